"""AlexNet on plates: the parameters and operations that the comparison lists."""

import jax
import jax.numpy as jnp
import pytest

from recog.models.alexnet import AlexNet, AlexNetConfig


def shapes(config, width=94):
    """Variables, frames and what every module emits, at full size without computing anything."""
    model, images, widths = AlexNet(config, 68), jnp.zeros((1, 24, width, 3)), jnp.array([width])

    def run():
        variables = model.init(jax.random.key(0), images, widths, train=False)
        frames, state = model.apply(variables, images, widths, train=False, capture_intermediates=True)
        return variables, frames, state["intermediates"]

    return jax.eval_shape(run)


def test_convolutions_see_12_6_and_3_rows():
    _, frames, emitted = shapes(AlexNetConfig())
    assert [emitted[f"conv{number}"]["__call__"][0].shape[1:] for number in range(1, 6)] == [
        (12, 47, 96),
        (6, 23, 256),
        (3, 23, 384),
        (3, 23, 384),
        (3, 23, 256),
    ]
    assert frames.logits.shape == (1, 23, 68)


def test_parameters_and_operations_are_those_of_the_comparison():
    variables, *_ = shapes(AlexNetConfig())
    layers = [  # outputs, kernel, input channels, output channels
        (12 * 47, 11 * 11, 3, 96),
        (6 * 23, 5 * 5, 96, 256),
        (3 * 23, 3 * 3, 256, 384),
        (3 * 23, 3 * 3, 384, 384),
        (3 * 23, 3 * 3, 384, 256),
        (23, 1, 256, 68),
    ]
    parameters = sum(kernel * inputs * outputs + outputs for _, kernel, inputs, outputs in layers)
    operations = 2 * sum(pixels * kernel * inputs * outputs for pixels, kernel, inputs, outputs in layers)
    assert sum(x.size for x in jax.tree.leaves(variables)) == parameters == 3_764_676
    assert round(parameters / 1e6, 1) == 3.8
    assert operations / 1e9 == pytest.approx(0.63, abs=0.01)


def test_width_multiplies_channels():
    variables, *_ = shapes(AlexNetConfig(width=0.25))
    assert variables["params"]["conv5"]["conv"]["kernel"].shape == (3, 3, 96, 64)
