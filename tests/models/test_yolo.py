"""YOLOv3: published numbers of parameters and shapes, and what a position can see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.codecs import BoxCodec
from recog.detection.positions import STRIDES, make_positions
from recog.models.darknet import BLOCKS, Darknet, space_to_depth
from recog.models.yolo import COCO, YOLOConfig
from tests.variables import abstract_variables, random_variables

PLATE, COCO_CLASSES = BoxCodec(("plate",)), BoxCodec(tuple(map(str, range(80))))
SMALL = YOLOConfig(width=1 / 16, blocks=(0, 0, 1, 0, 0), patch=4)


def parameters(config: YOLOConfig, codec: BoxCodec, size: int = 416) -> tuple[int, int]:
    """Parameters without and of the corners."""
    variables = abstract_variables(config.build(codec), jnp.zeros((1, size, size, 3)), jnp.array([size]), train=False)
    corners = sum(
        x.size
        for name, part in variables["params"].items()
        if name.startswith("corners")
        for x in jax.tree.leaves(part)
    )
    return sum(x.size for x in jax.tree.leaves(variables["params"])) - corners, corners


def test_parameters_are_those_published():
    """61,523,734 for one class and 61,949,149 for COCO's 80, as ``ultralytics/yolov3`` prints them."""
    assert parameters(YOLOConfig(), PLATE) == (61_523_734, 24 * (1024 + 512 + 256) + 3 * 24)
    assert parameters(YOLOConfig(), COCO_CLASSES)[0] == 61_949_149


def test_darknet_has_52_convolutions_before_its_classifier():
    variables = abstract_variables(Darknet(), jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 1), bool), train=False)
    assert len(variables["params"]) == 52 == 1 + len(BLOCKS) + 2 * sum(BLOCKS)


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_there_is_a_prediction_for_each_position(patch):
    config = YOLOConfig(width=1 / 16, blocks=(0,) * 5, patch=patch)
    raw = jax.eval_shape(
        lambda: config.build(COCO_CLASSES).init_with_output(
            jax.random.key(0), jnp.zeros((2, 64, 96, 3)), jnp.array([96, 96]), train=False
        )[0]
    )
    count = len(make_positions(COCO, 64, 96).cells)
    assert [x.shape for x in raw] == [(2, count, 4), (2, count), (2, count, 80), (2, count, 4, 2)]
    assert {x.dtype for x in raw} == {jnp.dtype("float32")}


def test_predictions_stand_in_the_order_of_their_positions():
    """A change of one pixel changes most the predictions of its own cell, at each stride."""
    model, size = SMALL.build(PLATE), 128
    images = np.zeros((1, size, size, 3), np.float32)
    variables = random_variables(model, images, np.array([size]), train=False)
    at, apply = (
        make_positions(COCO, size, size),
        jax.jit(lambda x: model.apply(variables, x, np.array([size]), train=False)),
    )
    # Gradients of the sum over each stride's predictions by cell would cost more; a bright spot does as well.
    spot = images.copy()
    spot[0, 68:72, 36:40] = 8.0
    change = np.abs(np.asarray(apply(spot).boxes - apply(images).boxes))[0].sum(axis=1)
    for stride in STRIDES:
        own = np.flatnonzero(at.strides[:, 0] == stride)
        weights = change[own] / change[own].sum()
        middle = weights @ at.middles[own]
        assert np.abs(middle - (38, 70)).max() < 1.5 * stride


def test_squares_of_pixels_become_channels():
    x = np.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    found = np.asarray(space_to_depth(jnp.asarray(x), 2))
    assert found.shape == (2, 2, 3, 12)
    for y, column in np.ndindex(2, 3):
        square = x[:, 2 * y : 2 * y + 2, 2 * column : 2 * column + 2]
        np.testing.assert_array_equal(found[:, y, column], square.reshape(2, -1))
    np.testing.assert_array_equal(space_to_depth(jnp.asarray(x), 1), x)


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ({"patch": 3}, "patch"),
        ({"regression": 0}, "regression"),
        ({"blocks": (1, 2)}, "blocks"),
        ({"priors": ((1, 2),)}, "priors"),
        ({"priors": ((0, 2),) * 9}, "priors"),
        ({"dropout": 0.5}, "dropout"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting, name):
    with pytest.raises(ValueError, match=f"model.{name}"):
        YOLOConfig(**setting).check()
