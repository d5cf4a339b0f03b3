"""What all models of a fixed input size promise."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.alexnet import AlexNet, AlexNetConfig
from recog.models.frames import Frames
from recog.models.plate_reader import PlateReader, PlateReaderConfig
from recog.models.resnet import ResNet18, ResNet18Config, ResNet29
from recog.models.stn import STNConfig
from recog.models.vgg import VGG
from recog.ops.conv_block import rows_with_samples
from recog.ops.recurrent import RecurrentConfig


def plate_reader(dtype="float32") -> PlateReader:
    return PlateReader(
        PlateReaderConfig(
            width=0.05,
            transformer=STNConfig(width=5.0, dropout=0.0),
            recurrent=RecurrentConfig(layers=2, units=6, projection=0),
            fc_units=8,
            dropout=0.0,
            dtype=dtype,
        ),
        7,
    )


READERS = {
    "alexnet": lambda dtype="float32": AlexNet(AlexNetConfig(width=0.05, dropout=0.0, dtype=dtype), 7),
    "resnet18": lambda dtype="float32": ResNet18(ResNet18Config(width=0.06, dtype=dtype), 7),
    "plate_reader": plate_reader,
}
BACKBONES = {
    "resnet29": lambda dtype="float32": ResNet29(0.06, jnp.dtype(dtype)),
    "vgg": lambda dtype="float32": VGG(0.06, jnp.dtype(dtype)),
}
MODELS = READERS | BACKBONES
HEIGHTS = {"alexnet": 24, "resnet18": 24, "plate_reader": 32, "resnet29": 16, "vgg": 16}
WIDTH = 32


def pictures(name: str) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.uniform(-1, 1, (4, HEIGHTS[name], WIDTH, 3)).astype(np.float32)


def call(model, variables, images, widths, *, train: bool) -> tuple[Any, Any]:
    """What the model emits, compiled, and its new batch statistics."""
    argument = widths if hasattr(model, "classes") else rows_with_samples(widths)
    apply = jax.jit(model.apply, static_argnames=("train", "mutable"))
    return apply(variables, images, argument, train=train, mutable=("batch_stats",))


def initialize(model, images, widths):
    argument = widths if hasattr(model, "classes") else rows_with_samples(widths)
    return jax.jit(model.init, static_argnames="train")(jax.random.key(0), images, argument, train=False)


def numbers(outputs: Any) -> jax.Array:
    """Logits of a reader, features of a backbone."""
    return outputs.logits if isinstance(outputs, Frames) else outputs


@pytest.fixture(scope="module", params=MODELS)
def tiny(request):
    """A small model that no longer is what it was initialised to, with four pictures."""
    random = np.random.default_rng(1)
    model, images = MODELS[request.param](), pictures(request.param)
    variables = initialize(model, images, jnp.full(4, WIDTH))
    variables = jax.tree.map(lambda x: x + jnp.asarray(random.uniform(0, 0.1, x.shape), x.dtype), variables)
    return request.param, model, variables, images


def test_rows_without_a_sample_move_neither_statistics_nor_other_rows(tiny):
    _, model, variables, images = tiny
    loud = np.array(images)
    loud[1] = 100
    some, some_state = call(model, variables, loud, jnp.array([WIDTH, 0, WIDTH, WIDTH]), train=True)
    alone, alone_state = call(model, variables, images[[0, 2, 3]], jnp.full(3, WIDTH), train=True)
    if isinstance(some, Frames):
        frames = model.frames(WIDTH)
        assert some.lengths.tolist() == [frames, 0, frames, frames]
    np.testing.assert_allclose(numbers(some)[jnp.array([0, 2, 3])], numbers(alone), rtol=1e-3, atol=1e-4)
    assert jax.tree.structure(some_state) == jax.tree.structure(alone_state)
    for a, b in zip(jax.tree.leaves(some_state), jax.tree.leaves(alone_state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_gradients_are_finite_and_reach_every_parameter(tiny):
    _, model, variables, images = tiny
    rest = {name: value for name, value in variables.items() if name != "params"}

    def score(params):
        outputs, _ = call(model, {"params": params, **rest}, images, jnp.array([WIDTH] * 3 + [0]), train=True)
        return (numbers(outputs)[:3] ** 2).sum()

    for path, gradient in jax.tree.leaves_with_path(jax.grad(score)(variables["params"])):
        assert np.isfinite(gradient).all(), path
        assert np.abs(gradient).max() > 0, path


@pytest.mark.parametrize("name", MODELS)
def test_bfloat16_keeps_parameters_statistics_and_logits_in_float32(name):
    model, images, widths = MODELS[name]("bfloat16"), pictures(name), jnp.full(4, WIDTH)
    variables = jax.eval_shape(lambda: initialize(model, images, widths))
    outputs, state = jax.eval_shape(lambda v: call(model, v, images, widths, train=True), variables)
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves((variables, state)))
    assert numbers(outputs).dtype == (jnp.float32 if name in READERS else jnp.bfloat16)


@pytest.mark.parametrize(
    ("name", "width"),
    [
        *((name, width) for name in ("alexnet", "resnet18") for width in (16, 93, 94, 95, 96, 97)),
        *(("plate_reader", width) for width in (16, 92, 96, 220)),
    ],
)
def test_frames_are_what_the_model_emits(name, width):
    model, images = READERS[name](), jnp.zeros((2, HEIGHTS[name], width, 3))
    widths = jnp.array([width, 0])

    def run():
        return model.init_with_output(jax.random.key(0), images, widths, train=False)[0]

    assert jax.eval_shape(run).logits.shape == (2, model.frames(width), 7)


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("alexnet", "height 24, got 48: set data.height=24 and data.width=94"),
        ("resnet18", "height 24, got 48: set data.height=24 and data.width=94"),
        ("plate_reader", "got 48x32: set data.height=32 and data.width=220"),
    ],
)
def test_other_heights_are_refused_with_the_mend(name, mend):
    with pytest.raises(ValueError, match=mend.replace(".", r"\.")):
        READERS[name]().init(jax.random.key(0), jnp.zeros((1, 48, 32, 3)), jnp.array([32]), train=False)
