"""Statistics of a few repetitions: means with intervals, and paired comparisons."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

ROUNDING = 1e-9
"""Smaller differences count as zero."""


class Mean(NamedTuple):
    """Mean of repeated measurements."""

    value: float
    half_width: float
    """Half-width of the 95 % interval; NaN for a single value."""


def mean(values: Sequence[float]) -> Mean:
    """Returns the mean with its 95 % interval by Student's t distribution, for values that are about normal.

    Raises:
      ValueError: there are no values.
    """
    if not len(values):
        raise ValueError("no values to take the mean of")
    middle = float(np.mean(values))
    if len(values) == 1:
        return Mean(middle, math.nan)
    return Mean(middle, float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)))


class Comparison(NamedTuple):
    """Two things compared under the same conditions."""

    difference: Mean
    """The first's values less the second's."""
    p: float
    """Two-sided p value of the paired t-test. NaN where the test says nothing: for one pair, and for a difference that
    is the same in every pair, as counts of few samples often are."""


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Compares two series by a paired t-test.

    Args:
      first: values of one thing.
      second: values of the other, in the same order of conditions (seeds).

    Raises:
      ValueError: the series differ in length.
    """
    differences = np.subtract(np.asarray(first, float), np.asarray(second, float))
    if differences.ndim != 1 or len(first) != len(second):
        raise ValueError(f"{len(first)} values cannot be paired with {len(second)}")
    difference = mean(differences.tolist())
    if len(differences) == 1:
        return Comparison(difference, math.nan)
    if np.ptp(differences) < ROUNDING:
        return Comparison(difference, 1.0 if abs(differences[0]) < ROUNDING else math.nan)
    return Comparison(difference, float(stats.ttest_rel(first, second).pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusts p values of several comparisons by Holm's step-down method (1979), which SciPy does not have.

    Returns:
      Adjusted values in the same order; NaNs stay, and do not count as comparisons.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    adjusted, floor = [math.nan] * len(p_values), 0.0
    for rank, (p, place) in enumerate(known):
        floor = max(floor, min(1.0, (len(known) - rank) * p))
        adjusted[place] = floor
    return adjusted
