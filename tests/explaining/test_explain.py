"""Explanations of every architecture."""

import numpy as np
import pytest
from flax.traverse_util import unflatten_dict

from recog.explaining import explain
from recog.export.onnx.samples import make_pictures
from tests.export.onnx.tiny_tasks import TASKS, make

ROWS = [0, 1, 4]


@pytest.mark.parametrize("name", TASKS)
def test_explanations_have_the_shapes_of_their_pictures_and_the_texts_that_tasks_read(name):
    made = make(name)
    images, sizes = (x[ROWS] for x in make_pictures(made.preprocess))
    sizes[-1] = 0
    variables = unflatten_dict(dict(made.arrays), sep="/")
    found = explain(made.task, variables, images, sizes)
    readings = made.task.rows({name: x[ROWS] for name, x in made.wanted.items()})
    assert len(found) == len(ROWS)
    for each, (height, width), reading in list(zip(found, sizes, readings, strict=True))[:-1]:
        assert each.maps.shape[1:] == (height, width) if each.characters else True
        assert len(each.maps) == len(each.characters)
        assert each.maps.dtype == np.float32
        assert ((each.maps >= 0) & (each.maps <= 1)).all()
        print(
            name,
            reading,
            each.characters,
            each.maps.shape,
            each.maps.max(axis=(1, 2)),
            {n: h.shape for n, h in each.heats.items()},
            each.quad,
            each.drawn and each.drawn.network.shape,
        )
