"""Statistics over all pictures are those that NumPy computes in float64, layer by layer."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest

from recog.alphabet import DIGITS
from recog.codecs import TextCodec
from recog.mesh import make_mesh
from recog.ops.batch_norm import EPSILON, BatchNorm
from recog.tasks.task import Task
from recog.training.statistics import recompute_statistics
from tests.batches import text_batch

RANDOM = np.random.default_rng(0)
BIAS = jnp.array([0.5, -2, 7], jnp.float32)
WIDTHS = [8, 5, 3, 8, 6]


class TwoNorms(nn.Module):
    """A normalisation of the pixels, a rectifier and another normalisation; columns of padding are not live."""

    @nn.compact
    def __call__(self, x, widths):
        live = jnp.arange(x.shape[2]) < widths[:, None]
        x = nn.relu(BatchNorm(name="first")(x, live, BIAS, train=False))
        return BatchNorm(name="second")(x, live, train=False)


class NoNorm(nn.Module):
    """Returns the pixels."""

    @nn.compact
    def __call__(self, x, widths):
        del widths
        return x


@dataclasses.dataclass(frozen=True)
class Shown(Task):
    """Predicts the output of a module."""

    model: nn.Module
    codec: TextCodec = dataclasses.field(default_factory=lambda: TextCodec(DIGITS, 1))

    @property
    def losses(self):
        raise NotImplementedError

    def init(self, key, batch):
        raise NotImplementedError

    def predict(self, variables, images, sizes):
        return {"y": jnp.asarray(self.model.apply(variables, images.astype(jnp.float32), sizes[:, 1]))}

    def count(self, prediction, targets):
        raise NotImplementedError


def batches() -> list[Any]:
    """Five pictures in batches of two rows, of which the last holds one sample beside garbage."""
    images = RANDOM.integers(0, 256, (6, 4, 8, 3)).astype(np.uint8)
    widths = [*WIDTHS, 0]
    empty = np.zeros((2, 1), np.int32), np.zeros(2, np.int32)
    return [text_batch(images[i : i + 2], widths[i : i + 2], *empty) for i in (0, 2, 4)]


def variables() -> dict[str, Any]:
    """Parameters, and statistics that are far from those of the pictures."""
    params = {"scale": np.array([1, -2, 0.5], np.float32), "bias": np.array([0.1, 0.3, -0.2], np.float32)}
    statistics = {"mean": np.array([3, 0, -1], np.float32), "var": np.array([9, 1, 4], np.float32)}
    names = ("first", "second")
    return {"params": dict.fromkeys(names, params), "batch_stats": dict.fromkeys(names, statistics)}


def normalized(x: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
    return (x - x.mean(0)) / np.sqrt(x.var(0) + EPSILON) * params["scale"] + params["bias"]


def test_statistics_of_each_layer_are_those_of_all_live_pixels():
    drawn, before = batches(), variables()
    found = recompute_statistics(Shown(TwoNorms()), make_mesh(), before, lambda: drawn)
    images = [batch.images[row, :, :width] for batch in drawn for row, width in enumerate(batch.widths)]
    pixels = np.concatenate([image.reshape(-1, 3) for image in images]).astype(np.float64)
    assert len(pixels) == 4 * sum(WIDTHS)
    second = np.maximum(normalized(pixels, before["params"]["first"]), 0)
    after = found.variables["batch_stats"]
    np.testing.assert_allclose(after["first"]["mean"], pixels.mean(0) + BIAS, rtol=1e-6)
    np.testing.assert_allclose(after["first"]["var"], pixels.var(0), rtol=1e-6)
    np.testing.assert_allclose(after["second"]["mean"], second.mean(0), rtol=1e-4)
    np.testing.assert_allclose(after["second"]["var"], second.var(0), rtol=1e-4)
    assert (found.layers, found.passes) == (2, 2)
    np.testing.assert_equal(found.variables["params"], before["params"])
    np.testing.assert_equal(before, variables())


def test_statistics_that_are_right_settle_after_one_pass():
    drawn = batches()
    first = recompute_statistics(Shown(TwoNorms()), make_mesh(), variables(), lambda: drawn)
    assert recompute_statistics(Shown(TwoNorms()), make_mesh(), first.variables, lambda: drawn).passes == 1


def test_a_model_without_batch_normalisation_is_refused():
    with pytest.raises(ValueError, match="NoNorm has no batch normalisation: there is nothing to adapt"):
        recompute_statistics(Shown(NoNorm()), make_mesh(), {"params": {}}, batches)
