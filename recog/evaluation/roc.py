"""Receiver operating characteristic of each class of a classifier, one against the rest."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class Roc(NamedTuple):
    """True positive rate against false positive rate, by threshold of the score; from (0, 0) to (1, 1).

    There is one point for each score that occurs, from the highest to the lowest, after a first one that is just above
    all scores.
    """

    thresholds: Float[np.ndarray, " P"]
    """Minimum scores of positive predictions, falling."""
    false_positive_rate: Float[np.ndarray, " P"]
    """Share of the negative samples that are predicted positive."""
    true_positive_rate: Float[np.ndarray, " P"]
    """Share of the positive samples that are predicted positive."""

    @property
    def area(self) -> float:
        """Area under the curve (AUC): probability that a positive sample has a higher score than a negative one, with
        ties counted half.
        """
        return float(np.trapezoid(self.true_positive_rate, self.false_positive_rate))


def roc(scores: Float[np.ndarray, " N"], positive: Bool[np.ndarray, " N"]) -> Roc | None:
    """Computes the curve of one class; None if there are only positive or only negative samples, or none.

    Raises:
      ValueError: a score is NaN, or the numbers of samples differ.
    """
    scores, positive = np.asarray(scores, np.float64), np.asarray(positive, bool)
    if scores.ndim != 1 or scores.shape != positive.shape:
        raise ValueError(
            f"scores of shape {scores.shape} for samples of shape {positive.shape}: pass one score per sample"
        )
    if np.isnan(scores).any():
        place = int(np.flatnonzero(np.isnan(scores))[0])
        raise ValueError(f"the score of sample {place} is NaN, from logits that are not finite: check the training")
    count = int(positive.sum())
    if count in (0, len(positive)):
        return None
    order = np.argsort(-scores, kind="stable")
    thresholds, right = scores[order], positive[order]
    last = np.append(thresholds[1:] != thresholds[:-1], True)
    above = np.nextafter(thresholds[0], np.inf)
    return Roc(
        np.append(above, thresholds[last]),
        np.append(0.0, np.cumsum(~right)[last] / (len(positive) - count)),
        np.append(0.0, np.cumsum(right)[last] / count),
    )


def one_vs_rest(classes: Int[np.ndarray, " N"], probabilities: Float[np.ndarray, "N K"]) -> list[Roc | None]:
    """Curves of all classes, each by its own probability.

    Args:
      classes: index of each sample's true class.
      probabilities: predicted probability of each class for each sample.

    Returns:
      One curve per class; None for classes that no sample or every sample belongs to.
    """
    return [roc(scores, classes == place) for place, scores in enumerate(np.asarray(probabilities).T)]
