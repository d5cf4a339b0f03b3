"""Selective prediction: accuracy of the predictions that are confident enough, against how many they are."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from recog.evaluation.reliability import checked


class Selective(NamedTuple):
    """Accuracy against the share of samples that are accepted, by threshold of the confidence.

    A sample is accepted if its confidence is at least the threshold. There is one point for each confidence that occurs
    (``P`` of them), from the highest to the lowest, so equally confident samples are accepted together.
    """

    thresholds: Float[np.ndarray, " P"]
    """Confidences, falling."""
    coverage: Float[np.ndarray, " P"]
    """Share of the samples that are accepted, rising up to 1."""
    accuracy: Float[np.ndarray, " P"]
    """Share of right samples among those accepted."""

    @property
    def area(self) -> float:
        """Area under the error rate against coverage (AURC; Geifman and El-Yaniv 2017), lower is better.

        It is the mean, over samples, of the error rate of those at least as confident; 0 without samples.
        """
        return float(np.sum((1 - self.accuracy) * np.diff(self.coverage, prepend=0.0)))


class Operating(NamedTuple):
    """A point of the curve."""

    threshold: float
    """Minimum confidence of the samples that are accepted."""
    coverage: float
    """Share of the samples that are accepted."""
    accuracy: float
    """Share of right samples among those accepted."""


def curve(confidences: ArrayLike, right: ArrayLike) -> Selective:
    """Computes the curve.

    Args:
      confidences: probability of each prediction, 0 to 1.
      right: whether each prediction is right.

    Raises:
      ValueError: a confidence is not a number from 0 to 1, or the numbers of samples differ.
    """
    probabilities, results = checked(confidences, right)
    order = np.argsort(-probabilities, kind="stable")
    thresholds, accepted = probabilities[order], np.arange(1, len(order) + 1)
    last = np.append(thresholds[1:] != thresholds[:-1], True)[: len(order)]
    correct = np.cumsum(results[order])
    return Selective(thresholds[last], accepted[last] / max(len(order), 1), correct[last] / accepted[last])


def threshold_for(curve: Selective, accuracy: float) -> Operating | None:
    """Point with at least this accuracy that accepts the most samples; None if there is none."""
    enough = np.flatnonzero(curve.accuracy >= accuracy)
    if not len(enough):
        return None
    return Operating(*(float(values[enough[-1]]) for values in curve))
