"""Counts of confidences by bins, and the calibration error computed from them."""

from fractions import Fraction
from typing import NamedTuple, Self, TypeVar

import numpy as np
from jaxtyping import Bool, Float

Number = TypeVar("Number", int, Fraction)

BINS = 15
"""Number of bins of the confidence (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2)."""


class Reliability(NamedTuple):
    """Confidences of predictions in `BINS` bins of equal width; exact counts.

    The confidence of a class is the probability of the most probable one, that of a text the reader's probability of
    the whole text. Bin ``i`` holds the confidences above ``i / BINS`` up to ``(i + 1) / BINS``.
    """

    counts: tuple[int, ...] = (0,) * BINS
    """Number of samples of each bin."""
    right: tuple[int, ...] = (0,) * BINS
    """Number of samples of each bin that were predicted right."""
    confidence: tuple[Fraction, ...] = (Fraction(0),) * BINS
    """Sum of the confidences of each bin."""

    @classmethod
    def of(cls, confidences: Float[np.ndarray, " N"], right: Bool[np.ndarray, " N"]) -> Self:
        """Sorts samples into bins."""
        places = np.clip(np.ceil(confidences * BINS).astype(int) - 1, 0, BINS - 1)
        sums = [sum(map(Fraction, confidences[places == place].tolist()), start=Fraction(0)) for place in range(BINS)]
        counts, correct = (np.bincount(chosen, minlength=BINS).tolist() for chosen in (places, places[right]))
        return cls(tuple(counts), tuple(correct), tuple(sums))

    def merged(self, other: Self) -> Self:
        """Counts of the samples of both."""
        return type(self)(
            _sums(self.counts, other.counts), _sums(self.right, other.right), _sums(self.confidence, other.confidence)
        )

    @property
    def error(self) -> float:
        """Expected calibration error: mean over samples of the distance of their bin's accuracy and confidence."""
        distances = (abs(right - confidence) for right, confidence in zip(self.right, self.confidence, strict=True))
        return float(sum(distances, start=Fraction(0)) / max(sum(self.counts), 1))


def _sums(one: tuple[Number, ...], other: tuple[Number, ...]) -> tuple[Number, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))
