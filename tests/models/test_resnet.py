"""ResNets: sizes, parameters by hand, and a block against plain NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.resnet import BasicBlock, ResNet18, ResNet18Config, ResNet29
from tests.variables import random_variables


def shapes(model, images, argument):
    """Variables, outputs and what every module emits, at full size without computing anything."""

    def run():
        variables = model.init(jax.random.key(0), images, argument, train=False)
        outputs, state = model.apply(variables, images, argument, train=False, capture_intermediates=True)
        return variables, outputs, state["intermediates"]

    return jax.eval_shape(run)


def resnet18(config):
    return shapes(ResNet18(config, 68), jnp.zeros((1, 24, 94, 3)), jnp.array([94]))


@pytest.fixture(scope="module")
def full():
    return resnet18(ResNet18Config())


@pytest.fixture(scope="module")
def resnet29():
    return shapes(ResNet29(), jnp.zeros((1, 96, 200, 3)), jnp.ones((1, 1), bool))


def count(tree) -> int:
    return sum(x.size for x in jax.tree.leaves(tree))


def normalized(size: int, inputs: int, outputs: int) -> int:
    """Parameters of a convolution without bias, with batch norm."""
    return size * inputs * outputs + 2 * outputs


def block(inputs: int, outputs: int) -> int:
    shortcut = normalized(1, inputs, outputs) if inputs != outputs else 0
    return normalized(9, inputs, outputs) + normalized(9, outputs, outputs) + shortcut


def test_resnet18_goes_down_to_one_row_of_24_frames(full):
    _, frames, emitted = full
    assert emitted["conv1"]["__call__"][0].shape == (1, 24, 94, 64)
    assert [emitted[f"stage{stage}_block2"]["__call__"][0].shape[1:] for stage in (1, 2, 3, 4)] == [
        (12, 47, 64),
        (6, 24, 128),
        (3, 24, 256),
        (1, 24, 512),
    ]
    assert frames.logits.shape == (1, 24, 68)


def test_resnet18_has_the_parameters_and_operations_of_the_comparison(full):
    variables, *_ = full
    parameters = normalized(49, 3, 64) + 2 * block(64, 64) + (512 + 1) * 68
    operations = 24 * 94 * 49 * 3 * 64 + 12 * 47 * 4 * 9 * 64 * 64 + 24 * 512 * 68
    for pixels, inputs, outputs in ((6 * 24, 64, 128), (3 * 24, 128, 256), (24, 256, 512)):
        parameters += block(inputs, outputs) + block(outputs, outputs)
        operations += pixels * ((9 + 1) * inputs * outputs + 3 * 9 * outputs * outputs)
    assert count(variables["params"]) == parameters == 11_211_396
    assert round(parameters / 1e6, 1) == 11.2
    assert 2 * operations / 1e9 == pytest.approx(1.09, abs=0.03)


def test_resnet29_keeps_a_pictures_proportions(resnet29):
    _, features, emitted = resnet29
    assert emitted["conv0_2"]["__call__"][0].shape == (1, 96, 200, 64)
    assert [emitted[f"conv{number}"]["__call__"][0].shape[1:] for number in (1, 2, 3)] == [
        (48, 100, 128),
        (24, 50, 256),
        (12, 25, 512),
    ]
    assert features.shape == (1, 12, 25, 512)


def test_resnet29_has_29_convolutions_and_their_parameters(resnet29):
    variables, *_ = resnet29
    kernels = [
        leaf
        for path, leaf in jax.tree.leaves_with_path(variables["params"])
        if path[-1].key == "kernel" and "shortcut" not in jax.tree_util.keystr(path)
    ]
    assert len(kernels) == 29
    parameters = normalized(9, 3, 32) + normalized(9, 32, 64)
    parameters += block(64, 128) + normalized(9, 128, 128)
    parameters += block(128, 256) + block(256, 256) + normalized(9, 256, 256)
    parameters += block(256, 512) + 4 * block(512, 512) + normalized(9, 512, 512)
    parameters += 3 * block(512, 512) + 2 * normalized(9, 512, 512)
    assert count(variables["params"]) == parameters


def test_width_multiplies_channels():
    variables, *_ = resnet18(ResNet18Config(width=0.25))
    assert variables["params"]["stage4_block2"]["conv2"]["conv"]["kernel"].shape == (3, 3, 128, 128)


def convolve(x: np.ndarray, kernel: np.ndarray, strides: tuple[int, int]) -> np.ndarray:
    """Tap by tap in float64, padded by half the kernel."""
    height, width = kernel.shape[:2]
    x = np.pad(x.astype(np.float64), ((0, 0), (height // 2,) * 2, (width // 2,) * 2, (0, 0)))
    rows, columns = ((x.shape[1] - height) // strides[0] + 1, (x.shape[2] - width) // strides[1] + 1)
    out = np.zeros((x.shape[0], rows, columns, kernel.shape[3]))
    for n, b, i, j in np.ndindex(x.shape[0], rows, columns, kernel.shape[3]):
        window = x[n, b * strides[0] : b * strides[0] + height, i * strides[1] : i * strides[1] + width]
        out[n, b, i, j] = (window * kernel[..., j]).sum()
    return out


@pytest.mark.parametrize(("channels", "strides"), [(3, (1, 1)), (5, (1, 1)), (5, (2, 1)), (3, (3, 2))])
def test_a_basic_block_is_that_of_numpy(channels, strides):
    random = np.random.default_rng(0)
    images = random.normal(size=(3, 6, 5, 3)).astype(np.float32)
    module, live = BasicBlock(channels, strides), np.array([[True], [True], [False]])
    variables = random_variables(module, images, live, train=False)

    def layer(x, name, strides=(1, 1)):
        params = variables["params"][name]
        x = convolve(x, params["conv"]["kernel"], strides)
        mean, variance = x[:2].mean(axis=(0, 1, 2)), x[:2].var(axis=(0, 1, 2))  # of the live rows
        return (x - mean) / np.sqrt(variance + 1e-5) * params["norm"]["scale"] + params["norm"]["bias"]

    reference = layer(np.maximum(layer(images, "conv1", strides), 0), "conv2")
    changed = channels != 3 or strides != (1, 1)
    assert ("shortcut" in variables["params"]) == changed
    reference += layer(images, "shortcut", strides) if changed else images
    train = jax.jit(functools.partial(module.apply, train=True, mutable="batch_stats"))
    out, _ = train(variables, images, live)
    np.testing.assert_allclose(out, np.maximum(reference, 0), atol=1e-3)
