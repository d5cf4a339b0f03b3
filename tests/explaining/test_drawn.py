"""Drawings of graphic supervision."""

import numpy as np
from flax.traverse_util import unflatten_dict

from recog.codecs import TextTargets
from recog.drawing import Box, draw_labels, glyph_atlas
from recog.explaining.drawn import drawings_of, draws
from recog.tasks.reading import ReadingTask
from tests.export.onnx.tiny_tasks import make


def test_drawings_of_the_network_and_of_labels():
    made = make("lprnet_batch")
    assert isinstance(made.task, ReadingTask)
    variables = unflatten_dict(dict(made.arrays), sep="/")
    assert draws(made.task, variables)
    assert not draws(made.task, {"params": {}})  # a head that was left out
    assert not draws(make("lprnet").task, variables)
    images, sizes = np.full((2, 24, 94, 1), 20, np.uint8), np.array([[24, 94], [0, 0]])
    images[0, 6:20, 10:80] = 200  # characters
    images[1] = 255  # not a picture
    targets = TextTargets(np.array([[1, 2, 3], [0, 0, 0]]), np.array([3, 0]))
    found = drawings_of(made.task, variables, images, sizes, targets)
    atlas = glyph_atlas(made.task.codec.alphabet)
    expected = draw_labels(atlas, *targets, size=(24, 94), box=Box(6, 10, 20, 80))
    for each, label in zip(found, expected, strict=True):
        assert each.label is not None
        np.testing.assert_allclose(each.label, label, atol=1e-6)
        assert each.network.shape == (24, 94)
        assert each.network.min() >= 0
        assert each.network.max() <= 1
    assert expected[0].any()
    assert found[0].network.any()
