"""The patent's plate reader: every stage's size, its parameters by hand, and the switches of its experiments."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.plate_reader import PlateReader, PlateReaderConfig, ResidualBlock
from recog.ops.recurrent import RecurrentConfig
from tests.variables import abstract_variables, random_variables

ALPHABET = 66


def shapes(config: PlateReaderConfig):
    """Variables, frames and what every module emits, at full size without computing anything."""
    model = PlateReader(config, ALPHABET)
    images, widths = jnp.zeros((1, 32, 220, 1)), jnp.array([220])

    def run():
        variables = model.init(jax.random.key(0), images, widths, train=False)
        frames, state = model.apply(variables, images, widths, train=False, capture_intermediates=True)
        return variables, frames, state["intermediates"]

    return jax.eval_shape(run)


def count(tree) -> int:
    return sum(x.size for x in jax.tree.leaves(tree))


def convolution(size: int, inputs: int, outputs: int) -> int:
    return size * inputs * outputs + outputs


def residual(inputs: int, first: int, second: int, third: int, last: int) -> int:
    main = convolution(9, inputs, first) + convolution(1, first, second)
    main += convolution(9, second, third) + convolution(9, third, last)
    return main + convolution(9, inputs, last)


def parameters(stn=True, layers=2, units=512, fc_layers=2) -> int:
    """By hand, for one input channel."""
    total = 9 * 64 + 2 * 64
    total += residual(64, 128, 64, 128, 256) + residual(256, 512, 256, 512, 1024) + 2 * 1024
    total += convolution(1, 1024, 512) + convolution(9, 512, 1024)
    features = 1024
    for _ in range(layers):
        total += 2 * (4 * units * (features + units) + 4 * units)
        features = 2 * units
    for _ in range(fc_layers - 1):
        total += (features + 1) * 1024
        features = 1024
    total += (features + 1) * ALPHABET
    localization = convolution(9, 1, 8) + convolution(9, 8, 16) + convolution(9, 16, 32)
    localization += (16 * 110 * 32 + 1) * 64 + (64 + 1) * 6
    return total + (localization if stn else 0)


@pytest.fixture(scope="module")
def full():
    return shapes(PlateReaderConfig())


def test_every_stage_has_the_patents_size(full):
    _, frames, emitted = full

    def size(*path):
        inner = emitted
        for name in path:
            inner = inner[name]
        return inner["__call__"][0].shape[1:]

    assert size("stn") == (32, 220, 1)
    assert size("cnn", "conv1") == (32, 220, 64)
    assert [size("cnn", "residual1", f"conv{n}") for n in range(1, 5)] == [
        (16, 110, 128),
        (16, 110, 64),
        (8, 110, 128),
        (8, 110, 256),
    ]
    assert size("cnn", "residual1", "shortcut") == (8, 110, 256)
    assert size("cnn", "residual1") == (8, 110, 256)
    assert [size("cnn", "residual2", f"conv{n}") for n in range(1, 5)] == [
        (4, 55, 512),
        (4, 55, 256),
        (2, 55, 512),
        (2, 55, 1024),
    ]
    assert size("cnn", "residual2", "shortcut") == (2, 55, 1024)
    assert size("cnn", "norm2") == (2, 55, 1024)
    assert size("cnn", "conv2") == (2, 55, 512)
    assert size("cnn", "conv3") == (2, 55, 1024)
    assert size("cnn") == (1, 27, 1024)
    assert size("recurrent") == (27, 1024)
    assert size("fc1") == (27, 1024)
    assert frames.logits.shape == (1, 27, 66)
    assert PlateReader.frames(220) == 27


def test_the_defaults_have_32_7_million_parameters(full):
    variables, *_ = full
    assert count(variables["params"]) == parameters() == 32_736_776


@pytest.mark.parametrize(
    "switches",
    [
        {"stn": False},
        {"layers": 1},
        {"layers": 3},
        {"units": 128},
        {"units": 256},
        {"units": 1024},
        {"fc_layers": 1},
        {"fc_layers": 3},
        {"stn": False, "layers": 1, "units": 128, "fc_layers": 1},
    ],
    ids=str,
)
def test_switches_change_the_parameters_by_what_they_name(switches):
    config = PlateReaderConfig()
    for name, value in switches.items():
        holder = config if hasattr(config, name) else config.recurrent
        setattr(holder, name, value)
    variables, frames, _ = shapes(config)
    assert count(variables["params"]) == parameters(**switches)
    assert frames.logits.shape == (1, 27, 66)


def test_the_recurrent_units_do_not_follow_the_width():
    config = PlateReaderConfig(width=0.25)
    variables, _, emitted = shapes(config)
    assert emitted["cnn"]["__call__"][0].shape == (1, 1, 27, 256)
    assert emitted["recurrent"]["__call__"][0].shape == (1, 27, 1024)
    assert variables["params"]["stn"]["localization"]["conv3"]["conv"]["kernel"].shape == (3, 3, 4, 8)


def test_no_classifier_is_refused():
    with pytest.raises(ValueError, match=r"model\.fc_layers=0: choose 1 or more"):
        shapes(PlateReaderConfig(fc_layers=0))


@pytest.mark.parametrize("size", [(24, 220), (32, 94)])
def test_sizes_that_do_not_fit_are_refused(size):
    model = PlateReader(PlateReaderConfig(), ALPHABET)
    with pytest.raises(ValueError, match=r"set data\.height=32 and data\.width=220"):
        abstract_variables(model, jnp.zeros((1, *size, 1)), jnp.array([size[1]]), train=False)


def test_dropout_acts_while_training_only():
    config = PlateReaderConfig(width=0.03, stn=False, recurrent=RecurrentConfig(layers=1, units=4), fc_units=8)
    model = PlateReader(config, 5)
    images, widths = jnp.ones((2, 32, 16, 1)), jnp.array([16, 16])
    variables = random_variables(model, images, widths, train=False)
    train = jax.jit(functools.partial(model.apply, train=True, mutable="batch_stats"))
    first, second = (
        train(variables, images, widths, rngs={"dropout": jax.random.key(seed)})[0].logits for seed in (0, 1)
    )
    assert not np.allclose(first, second)
    jax.eval_shape(functools.partial(model.apply, train=False), variables, images, widths)  # needs no randomness


def test_a_residual_block_is_that_of_torch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    images = np.random.default_rng(0).normal(size=(2, 16, 12, 3)).astype(np.float32)
    block, live = ResidualBlock((4, 2, 3, 5)), jnp.ones((2, 1), bool)
    variables = random_variables(block, images, live, train=False)
    out = jax.jit(functools.partial(block.apply, train=False))(variables, images, live)

    def convolve(x, name, **options):
        kernel, bias = (variables["params"][name]["conv"][part] for part in ("kernel", "bias"))
        padding, kernel = kernel.shape[0] // 2, torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
        return functional.conv2d(x, kernel, torch.from_numpy(bias), padding=padding, **options)

    x = torch.from_numpy(images.transpose(0, 3, 1, 2))
    main = functional.leaky_relu(convolve(functional.max_pool2d(x, 2), "conv1"))
    main = functional.leaky_relu(convolve(main, "conv2"))
    main = convolve(functional.leaky_relu(convolve(main, "conv3", stride=(2, 1))), "conv4")
    reference = functional.leaky_relu(main + convolve(x, "shortcut", stride=(4, 2)))
    np.testing.assert_allclose(out, reference.numpy().transpose(0, 2, 3, 1), atol=1e-4)
