"""Classification: the average over views, the temperature, and mixtures in training."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from scipy import special

from recog.batch import Batch
from recog.codecs import ClassCodec, ClassTargets, MixedClassTargets
from recog.ops.crops import mirror, stretch
from recog.tasks.class_scores import SIGMOID, ClassScores
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.views import check_views, views_of

CODEC = ClassCodec(("cat", "dog", "fox"))
SIZES = jnp.tile(jnp.array([[8, 10]]), (4, 1))
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 10, 3), dtype=np.uint8)
KERNEL = np.random.default_rng(1).normal(0, 0.2, (240, 3)).astype(np.float32)
VARIABLES = {"params": {"Dense_0": {"kernel": KERNEL}}}


class Linear(nn.Module):
    """Scores that see where things are."""

    @nn.compact
    def __call__(self, images, widths, *, train):
        del widths, train
        return nn.Dense(3, use_bias=False)(jnp.reshape(images, (images.shape[0], -1)))


def probabilities(images, sigmoid=False) -> np.ndarray:
    logits = (np.reshape(images, (4, -1)) / 127.5 - 1) @ KERNEL
    return special.expit(logits) if sigmoid else special.softmax(logits, axis=1)


@jax.jit
def single_views() -> dict[str, list]:
    """Each kind of view, made with boxes written out."""
    whole, crops = jnp.asarray(IMAGES, jnp.float32), []
    for left, top in [(0, 0), (1.25, 0), (0, 1), (1.25, 1), (0.625, 0.5)]:
        boxes = jnp.tile(jnp.array([[left, top, 8.75, 7]]), (4, 1))
        crops.append(stretch(whole, SIZES, boxes))
    mirrored = {name: [mirror(view, SIZES) for view in views] for name, views in (("whole", [whole]), ("crops", crops))}
    return {"whole": [whole], "crops": crops} | {f"{name}, flip": views for name, views in mirrored.items()}


@pytest.mark.parametrize("sigmoid", [False, True])
@pytest.mark.parametrize("names", [("whole",), ("whole", "flip"), ("crops",), ("whole", "crops", "flip")])
def test_probabilities_are_the_means_over_the_views(names, sigmoid):
    kinds = [name for name in names if name != "flip"]
    kinds += [f"{name}, flip" for name in kinds] if "flip" in names else []
    pictures = [np.asarray(view) for kind in kinds for view in single_views()[kind]]
    task = ClassifyingTask(Linear(), CODEC, ClassScores(SIGMOID) if sigmoid else ClassScores(), names)
    found = jax.jit(task.predict)(VARIABLES, IMAGES, SIZES)
    expected = np.mean([probabilities(picture, sigmoid) for picture in pictures], axis=0)
    np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-4, atol=1e-6)
    logits = np.asarray(found["logits"])
    shares = special.expit(logits) if sigmoid else special.softmax(logits, axis=1)
    np.testing.assert_allclose(shares, found["probabilities"], rtol=1e-5)


def test_views_see_no_padding():
    padded = np.zeros((4, 9, 14, 3), np.uint8)
    padded[:, :8, :10] = IMAGES
    views = jax.jit(lambda images: views_of(images, SIZES, ("crops", "flip")))
    for inner, outer in zip(views(IMAGES), views(padded), strict=True):
        np.testing.assert_allclose(outer[:, :8, :10], inner, atol=1e-3)
        assert not np.asarray(outer)[:, :, 10:].any()


@pytest.mark.parametrize("names", [(), ("flip",), ("whole", "whole"), ("whole", "mirror")])
def test_views_that_make_no_sense_are_refused(names):
    with pytest.raises(ValueError, match="views="):
        check_views(names)


def test_the_temperature_divides_the_logits_of_the_average():
    warm, plain = (ClassifyingTask(Linear(), CODEC, views=("whole", "flip"), temperature=t) for t in (2.0, 1.0))
    found, logits = (jax.jit(task.predict)(VARIABLES, IMAGES, SIZES) for task in (warm, plain))
    logits = np.asarray(logits["logits"])
    np.testing.assert_allclose(found["logits"], logits / 2, rtol=1e-6)
    np.testing.assert_allclose(found["probabilities"], special.softmax(logits / 2, axis=1), rtol=1e-6)


def test_mixtures_have_the_weighted_sum_of_both_losses_and_the_accuracy_of_the_first():
    task, own, other = ClassifyingTask(Linear(), CODEC), np.array([0, 1, 2, 0]), np.array([1, 2, 0, 0])
    weights, mask = np.array([0.5, 0.7, 1.0, 0.9]), np.array([True, True, True, False])

    def found(targets):
        batch = Batch(IMAGES, SIZES, targets, np.arange(4), mask)
        return jax.jit(task.losses[0].function)(VARIABLES, batch, jax.random.key(0))

    mean, mixed = found(MixedClassTargets(own, other, weights))
    first, second = (found(ClassTargets(classes))[1].sample_losses for classes in (own, other))
    np.testing.assert_allclose(mixed.sample_losses, weights * first + (1 - weights) * second, rtol=1e-6)
    np.testing.assert_allclose(mean, np.mean(np.asarray(mixed.sample_losses)[:3]), rtol=1e-6)
    assert mixed.sums["accuracy"] == found(ClassTargets(own))[1].sums["accuracy"]


def test_counts_of_sigmoids_are_of_shares_that_sum_to_one():
    task = ClassifyingTask(Linear(), CODEC, ClassScores(SIGMOID))
    counts = task.count({"probabilities": np.array([[0.8, 0.6, 0.2]])}, ClassTargets(np.array([0])))
    assert counts.log_loss == pytest.approx(-np.log(0.5))


@pytest.mark.parametrize("scores", [ClassScores(), ClassScores(SIGMOID)])
def test_views_are_exported_for_any_batch_size(scores):
    task = ClassifyingTask(Linear(), CODEC, scores, ("whole", "crops", "flip"), 2.0)
    (rows,) = export.symbolic_shape("b")
    shapes = jax.ShapeDtypeStruct((rows, 8, 10, 3), np.uint8), jax.ShapeDtypeStruct((rows, 2), np.int32)
    program = export.export(jax.jit(task.predict), platforms=("cpu", "cuda", "tpu"))(VARIABLES, *shapes)
    assert [str(output.shape) for output in program.out_avals] == ["(b, 3)", "(b, 3)"]
