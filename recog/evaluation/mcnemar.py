"""McNemar's exact test: whether two models differ on the same samples (McNemar 1947)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


class McNemar(NamedTuple):
    """Samples that one of two models alone got right, and how surprising their numbers are."""

    only_first: int
    """Number of samples that the first model alone got right."""
    only_second: int
    """Number of samples that the second model alone got right."""
    p: float
    """Two-sided p value: probability of numbers at least as unequal if both models were equally good; 1 without a
    difference."""


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """Compares two models by an exact binomial test over the samples that one alone got right.

    Args:
      first_right: whether the first model got each sample right.
      second_right: the second model, with the samples in the same order.

    Raises:
      ValueError: the numbers of samples differ.
    """
    first, second = np.asarray(first_right, bool), np.asarray(second_right, bool)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            f"results of shapes {first.shape} and {second.shape} cannot be paired: judge both models by the same "
            "samples in the same order"
        )
    gained, lost = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    p = float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return McNemar(gained, lost, p)
