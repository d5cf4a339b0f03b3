"""What all models of a fixed input size promise."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.alexnet import AlexNet, AlexNetConfig
from recog.models.frames import Frames
from recog.models.plate_reader import PlateReader, PlateReaderConfig
from recog.models.resnet import ResNet18, ResNet18Config, ResNet29
from recog.models.stn import IDENTITY, STNConfig
from recog.models.vgg import VGG
from recog.ops.conv_block import rows_with_samples
from recog.ops.recurrent import RecurrentConfig
from tests.variables import abstract_variables, random_variables


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
ALL = np.full(4, WIDTH)


def pictures(name: str) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.uniform(-1, 1, (4, HEIGHTS[name], WIDTH, 3)).astype(np.float32)


def argument(model, widths) -> Any:
    """What the model takes beside its pictures."""
    return widths if hasattr(model, "classes") else rows_with_samples(widths)


def train(model, variables, images, argument) -> tuple[Any, Any]:
    """What the model emits, and its new batch statistics."""
    return model.apply(variables, images, argument, train=True, mutable=("batch_stats",))


def numbers(outputs: Any) -> jax.Array:
    """Logits of a reader, features of a backbone."""
    return outputs.logits if isinstance(outputs, Frames) else outputs


class Tiny:
    """A small model that no longer is what it was initialised to, with four pictures, and one compiled program."""

    def __init__(self, name: str):
        self.model, self.images = MODELS[name](), pictures(name)
        self.variables = random_variables(self.model, self.images, argument(self.model, ALL), train=False)
        if name == "plate_reader":  # looks at its pictures
            theta = self.variables["params"]["stn"]["localization"]["theta"]
            theta["kernel"] *= 0.1
            theta["bias"] += IDENTITY

    @functools.cached_property
    def _program(self):
        def score(params, rest, images, argument):
            outputs, state = train(self.model, {"params": params, **rest}, images, argument)
            return jnp.sum(numbers(outputs)[:3] ** 2), (outputs, state)

        return jax.jit(jax.grad(score, has_aux=True))

    def __call__(self, images, widths) -> tuple[Any, tuple[Any, Any]]:
        """Gradients of a sum over the first three rows; outputs and new statistics."""
        rest = {name: value for name, value in self.variables.items() if name != "params"}
        return self._program(self.variables["params"], rest, images, argument(self.model, np.array(widths)))


@pytest.fixture(scope="module", params=MODELS)
def tiny(request):
    return Tiny(request.param)


def test_rows_without_a_sample_move_neither_statistics_nor_other_rows(tiny):
    """Two samples with two other rows are as the two samples twice."""
    loud = np.array(tiny.images)
    loud[[1, 3]] = 100
    _, (some, some_state) = tiny(loud, [WIDTH, 0, WIDTH, 0])
    _, (twice, twice_state) = tiny(tiny.images[[0, 0, 2, 2]], ALL)
    if isinstance(some, Frames):
        frames = tiny.model.frames(WIDTH)
        assert some.lengths.tolist() == [frames, 0, frames, 0]
    np.testing.assert_allclose(numbers(some)[::2], numbers(twice)[::2], rtol=1e-3, atol=1e-4)
    assert jax.tree.structure(some_state) == jax.tree.structure(twice_state)
    for a, b in zip(jax.tree.leaves(some_state), jax.tree.leaves(twice_state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_gradients_are_finite_and_reach_every_parameter(tiny):
    gradients, _ = tiny(tiny.images, [*ALL[:3], 0])
    for path, gradient in jax.tree.leaves_with_path(gradients):
        assert np.isfinite(gradient).all(), path
        assert np.abs(gradient).max() > 0, path


@pytest.mark.parametrize("name", MODELS)
def test_bfloat16_keeps_parameters_statistics_and_logits_in_float32(name):
    model, images = MODELS[name]("bfloat16"), pictures(name)
    variables = abstract_variables(model, images, argument(model, ALL), train=False)
    outputs, state = jax.eval_shape(functools.partial(train, model), variables, images, argument(model, ALL))
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
