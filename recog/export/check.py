"""Does an artifact read as the model does that it was made from?"""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np

from recog.decoded import texts
from recog.export.artifact import Artifact, ArtifactError
from recog.export.card import Card
from recog.tasks.task import Task, Variables

SHAPES = ((1, 33), (3, 100), (4, 256))
"""Batch sizes and widths of the pictures it is tried on."""
TOLERANCE = 1e-5
"""Largest difference between two confidences."""


class DisagreementError(ArtifactError):
    """The artifact does not read what the live model reads."""


class Agreement(NamedTuple):
    """How closely they agree."""

    pictures: int
    tokens: int
    """Read by both."""
    difference: float
    """The largest between two confidences."""


def check_agreement(artifact: Artifact, task: Task, variables: Variables) -> Agreement:
    """Compares token for token, over random pictures of several shapes.

    Raises:
      DisagreementError: a token, or a confidence by more than 1e-5, differs; or a confidence is not finite.
    """
    live = jax.jit(task.read)
    pictures, tokens, difference = 0, 0, 0.0
    for images, widths in _random_batches(artifact.card):
        ours, theirs = artifact.read_tokens(images, widths), jax.device_get(live(variables, images, widths))
        same = all(np.array_equal(a, b) for a, b in ((ours.tokens, theirs.tokens), (ours.lengths, theirs.lengths)))
        if not (np.isfinite(ours.confidence).all() and np.isfinite(theirs.confidence).all()):
            raise DisagreementError(
                "on random pictures its confidences are not finite: nothing was exported; were the weights finite?"
            )
        difference = max(difference, float(np.max(np.abs(ours.confidences - theirs.confidences))))
        if not (same and difference <= TOLERANCE):
            we, they = ([reading.text for reading in texts(task.alphabet, read)] for read in (ours, theirs))
            raise DisagreementError(
                f"on random pictures {images.shape} the artifact reads {we}, the live model {they}, "
                f"confidences differ by {difference:.3g}: "
                "nothing was exported; report this with the run's config.json and the versions of jax and jaxlib"
            )
        pictures, tokens = pictures + len(images), tokens + int(ours.lengths.sum())
    return Agreement(pictures, tokens, difference)


def _random_batches(card: Card) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blots of black and white under noise: on noise alone, a trained reader would see nothing but blanks."""
    random, height, channels = np.random.default_rng(0), card.height, card.channels
    for rows, width in [(rows, card.width or width) for rows, width in SHAPES]:
        blots = random.integers(0, 2, (rows, height // 4 + 1, width // 4 + 1, 1)) * 160
        blots = blots.repeat(4, axis=1).repeat(4, axis=2)[:, :height, :width]
        images = (blots + random.integers(0, 96, (rows, height, width, channels))).astype(np.uint8)
        widths = np.full(rows, width, np.int32) if card.width else random.integers(1, width + 1, rows, np.int32)
        widths[0] = width
        live = np.arange(width) < widths[:, None]  # B W
        yield images * live[:, None, :, None], widths
