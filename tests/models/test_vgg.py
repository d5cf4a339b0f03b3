"""The VGG backbone: sizes, and parameters by hand."""

import jax
import jax.numpy as jnp

from recog.models.vgg import VGG


def shapes(model):
    """Variables, features and what every module emits, at full size without computing anything."""
    images, live = jnp.zeros((1, 96, 200, 3)), jnp.ones((1, 1), bool)

    def run():
        variables = model.init(jax.random.key(0), images, live, train=False)
        features, state = model.apply(variables, images, live, train=False, capture_intermediates=True)
        return variables, features, state["intermediates"]

    return jax.eval_shape(run)


def test_three_square_pools_keep_a_pictures_proportions():
    _, features, emitted = shapes(VGG())
    assert [emitted[f"conv{number}"]["__call__"][0].shape[1:] for number in range(1, 8)] == [
        (96, 200, 64),
        (48, 100, 128),
        (24, 50, 256),
        (24, 50, 256),
        (12, 25, 512),
        (12, 25, 512),
        (12, 25, 512),
    ]
    assert features.shape == (1, 12, 25, 512)


def test_parameters_equal_a_count_by_hand():
    variables, *_ = shapes(VGG())
    biased = sum(9 * i * o + o for i, o in ((3, 64), (64, 128), (128, 256), (256, 256), (512, 512)))
    normalized = sum(9 * i * o + 2 * o for i, o in ((256, 512), (512, 512)))
    assert sum(x.size for x in jax.tree.leaves(variables["params"])) == biased + normalized
    assert {name for name, layer in variables["params"].items() if "norm" in layer} == {"conv5", "conv6"}


def test_width_multiplies_channels():
    variables, features, _ = shapes(VGG(width=0.25))
    assert variables["params"]["conv1"]["conv"]["kernel"].shape == (3, 3, 3, 16)
    assert features.shape == (1, 12, 25, 128)
