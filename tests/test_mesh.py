"""The mesh on the devices at hand."""

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from recog.mesh import MeshConfig, _split, by_sample, check_batch_size, make_mesh, put_batch, rows_for
from tests.batches import text_batch


def test_a_batch_is_split_over_the_data_axis():
    mesh = make_mesh()
    rows = 2 * mesh.size
    columns = np.arange(rows, dtype=np.int32)
    batch = text_batch(np.zeros((rows, 4, 4, 1), np.uint8), columns, columns[:, None], columns, columns)
    placed = put_batch(mesh, batch)
    assert placed.images.sharding.is_equivalent_to(by_sample(mesh), 4)
    jax.tree.map(np.testing.assert_array_equal, batch, placed)


@pytest.mark.parametrize(
    ("shape", "parts", "spec"),
    [
        ((3, 3, 256, 512), 4, (None, None, None, "fsdp")),
        ((2, 512, 1024), 8, (None, None, "fsdp")),
        ((512, 512), 2, (None, "fsdp")),  # of axes as long, the last
        ((6, 10_001), 3, ("fsdp",)),  # the longest does not divide
        ((10_001, 5), 4, ()),  # none does
        ((128, 127), 4, ()),  # too small to be worth it
        ((512, 512), 1, ()),
        ((), 4, ()),
    ],
)
def test_parameters_are_split_along_their_longest_axis_that_divides(shape, parts, spec):
    assert _split(shape, parts) == PartitionSpec(*spec)


def test_devices_that_do_not_divide_into_groups_are_refused():
    with pytest.raises(ValueError, match=r"mesh.fsdp=3 does not divide the \d+ devices"):
        make_mesh(MeshConfig(fsdp=3), jax.devices()[:1])


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"batch size 12 is not a multiple of 4 devices times 2 parts \(optimizer"):
        check_batch_size(12, 4, 2)
    with pytest.raises(ValueError, match="batch size 6 is not a multiple of 4 devices"):
        check_batch_size(6, 4)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_batches_are_enlarged_until_devices_share_them_equally(count):
    mesh = jax.sharding.AbstractMesh((count,), ("data",))
    found = [rows_for(mesh, rows) for rows in range(1, 30)]
    assert found == [next(n for n in range(rows, 99) if n % count == 0) for rows in range(1, 30)]
