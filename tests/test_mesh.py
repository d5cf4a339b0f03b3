"""The mesh on the devices at hand."""

import numpy as np
import pytest

from recog.batch import Batch
from recog.mesh import by_sample, check_batch_size, make_mesh, put_batch


def test_a_batch_is_split_over_the_data_axis():
    mesh = make_mesh()
    rows = 2 * mesh.size
    columns = np.arange(rows, dtype=np.int32)
    batch = Batch(np.zeros((rows, 4, 4, 1), np.uint8), columns, columns[:, None], columns, columns, columns > 0)
    placed = put_batch(mesh, batch)
    assert placed.images.sharding.is_equivalent_to(by_sample(mesh), 4)
    for here, there in zip(batch, placed, strict=True):
        np.testing.assert_array_equal(here, there)


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="batch size 6 is no multiple of the 4 devices"):
        check_batch_size(6, 4)
