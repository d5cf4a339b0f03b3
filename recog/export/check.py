"""Comparison of an artifact with the model from which it was exported."""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from recog.batch import full_height
from recog.export.artifact import Artifact
from recog.export.card import Card
from recog.export.files import ArtifactError
from recog.ops.masking import mask_padding
from recog.tasks.task import Task, Variables

SHAPES = ((1, 33), (3, 100), (4, 256))
"""Batch sizes and widths in pixels of the compared pictures."""
TOLERANCE = 1e-5
"""Maximum difference of outputs, relative to the largest absolute value of their array if that exceeds 1."""

LOGIT_TOLERANCE = 1e-4
"""Maximum difference of logits, relative to the largest of their array."""


class DisagreementError(ArtifactError):
    """The predictions of the artifact and the live model differ."""


class Agreement(NamedTuple):
    """Agreement of an artifact with the live model."""

    pictures: int
    """Number of compared pictures."""
    numbers: int
    """Number of equal integers, such as token ids."""
    difference: float
    """Maximum difference between floats, such as probabilities; see `TOLERANCE`."""


def check_agreement(artifact: Artifact, task: Task, variables: Variables) -> Agreement:
    """Compares the outputs that are counted and shown, and the logits, for random pictures of several shapes.

    Compiled again, a program may round differently. Where that decides the order of its outputs, as of detections with
    nearly equal scores, the codec brings equal ones together first (`Codec.paired`).

    Raises:
      DisagreementError: an integer differs, a float differs by more than `TOLERANCE`, or a float is not finite.
    """
    live = jax.jit(task.predict)
    pictures, numbers, difference = 0, 0, 0.0
    for images, sizes in _random_batches(artifact.card):
        ours, theirs = artifact.predict(images, sizes), jax.device_get(live(variables, images, sizes))
        names = (*task.codec.compared, *(name for name in theirs if name.startswith("logit")))
        _refuse_not_finite({name: (ours[name], theirs[name]) for name in names})
        one, other = task.codec.paired(ours, theirs)
        for name in names:
            found = _difference(one[name], other[name])
            if found > (LOGIT_TOLERANCE if name.startswith("logit") else TOLERANCE):
                we, they = ([reading.text for reading in task.rows(read)] for read in (ours, theirs))
                raise DisagreementError(
                    f"on random pictures {images.shape} the artifact predicts {we!s:.500}, "
                    f"the live model {they!s:.500}, {name} differs by {found:.3g}: "
                    "nothing was exported; report this with the run's config.json and the versions of jax and jaxlib"
                )
            if not name.startswith("logit"):
                difference = max(difference, found)
            numbers += 0 if _is_float(other[name]) else other[name].size
        pictures += len(images)
    return Agreement(pictures, numbers, difference)


def _is_float(array: np.ndarray) -> bool:
    return np.issubdtype(array.dtype, np.floating)


def _refuse_not_finite(outputs: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Raises `DisagreementError` where an output of the artifact or of the live model is NaN or infinite."""
    for name, pair in outputs.items():
        if any(_is_float(array) and not np.isfinite(array).all() for array in pair):
            raise DisagreementError(
                f"on random pictures {name} is not finite: nothing was exported; check that the weights are finite"
            )


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Maximum difference of two outputs, relative if they exceed 1; infinite if integers differ."""
    if not _is_float(theirs):
        return 0.0 if np.array_equal(ours, theirs) else np.inf
    scale = max(1.0, float(np.max(np.abs(theirs), initial=0.0)))
    return float(np.max(np.abs(ours - theirs), initial=0.0)) / scale


def _random_batches(card: Card) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Random black and white blots with noise; for noise alone, trained readers predict only blanks."""
    random, preprocess = np.random.default_rng(0), card.preprocess
    height, channels = preprocess.height, preprocess.channels
    for rows, width in [(rows, preprocess.width or width) for rows, width in SHAPES]:
        blots = random.integers(0, 2, (rows, height // 4 + 1, width // 4 + 1, 1)) * 160
        blots = blots.repeat(4, axis=1).repeat(4, axis=2)[:, :height, :width]
        images = (blots + random.integers(0, 96, (rows, height, width, channels))).astype(np.uint8)
        widths = np.full(rows, width, np.int32) if preprocess.width else random.integers(1, width + 1, rows, np.int32)
        widths[0] = width
        sizes = full_height(widths, height)
        if preprocess.letterbox:
            sizes[1:, 0] = random.integers(1, height + 1, rows - 1)
        yield np.asarray(mask_padding(jnp.asarray(images), jnp.asarray(sizes))), sizes
