"""PyTorch's detection losses are ours, also for what random boxes in a benchmark do not show."""

import dataclasses

import jax
import numpy as np
import pytest

from recog.batch import Batch, full_height
from recog.codecs import BoxCodec, BoxTargets
from recog.detection.positions import Raw
from recog.models.yolo import YOLOConfig
from recog.tasks.locating import LocatingTask

HEIGHT, WIDTH, COUNT = 64, 96, 3 * (8 * 12 + 4 * 6 + 2 * 3)


@dataclasses.dataclass(frozen=True)
class Predicting:
    """A model whose predictions are its parameters."""

    config: YOLOConfig

    def apply(self, variables, *arguments, **options):
        return Raw(*variables["params"]), {}


def predictions(random: np.random.Generator) -> Raw:
    """Predictions of two pictures, of three classes."""
    shapes = Raw((2, COUNT, 4), (2, COUNT), (2, COUNT, 3), (2, COUNT, 4, 2))
    return Raw(*(random.normal(0, 1, shape).astype(np.float32) for shape in shapes))


def boxes(random: np.random.Generator) -> BoxTargets:
    """Five boxes a picture: two in the same place, one across the border, one that does not count, an empty slot."""
    codec = BoxCodec(("a", "b", "c"), most=5)
    targets = codec.zeros(2)
    low = random.uniform(0, 60, (2, 5, 1, 2))
    corners = low + np.array([[0, 0], [20, 2], [22, 14], [-1, 11]]) + random.uniform(-2, 2, (2, 5, 4, 2))
    corners[:, 1] = corners[:, 0]
    corners[:, 2] += [WIDTH - 65, 0]
    corners[:, 4] = 0
    return targets._replace(
        corners=corners.astype(np.float32),
        classes=random.integers(3, size=(2, 5)).astype(np.int32),
        mask=np.array([[True, True, True, False, False], [False, True, True, False, False]]),
    )


def test_the_loss_and_its_gradient_are_ours():
    torch = pytest.importorskip("torch")
    from launch.benchmarks.torch_yolo_loss import YOLOLoss

    config = YOLOConfig(regression=3.0)
    raw, targets = predictions(np.random.default_rng(0)), boxes(np.random.default_rng(1))
    sizes = full_height([WIDTH, WIDTH], HEIGHT)
    images = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    batch = Batch(images, sizes, targets, ids=np.arange(2), mask=np.ones(2, bool))
    task = LocatingTask(Predicting(config), BoxCodec(("a", "b", "c")))
    find = jax.value_and_grad(lambda raw: task.losses[0].function({"params": raw}, batch, jax.random.key(0))[0])
    expected, gradient = jax.jit(find)(raw)

    tensors = Raw(*(torch.tensor(x, requires_grad=True) for x in raw))
    labels = BoxTargets(*(torch.tensor(x.astype(np.int64) if x.dtype == np.int32 else x) for x in targets))
    loss = YOLOLoss(config, HEIGHT, WIDTH)(tensors, labels)
    loss.backward()
    np.testing.assert_allclose(loss.detach(), expected, rtol=1e-5)
    for ours, theirs in zip(gradient, tensors, strict=True):
        np.testing.assert_allclose(theirs.grad, ours, atol=1e-5, rtol=1e-4)
    ignored = (np.asarray(gradient.objectness) == 0).sum()
    assert 0 < ignored < COUNT, "some predictions overlap a box well enough to have no loss"
