"""What a few repetitions tell: means with intervals, and whether one thing is better than another."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

ROUNDING = 1e-9
"""Differences by less are none."""


class Mean(NamedTuple):
    """Of repetitions of one thing."""

    value: float
    half_width: float
    """Of its 95 % interval; NaN where there is but one."""


def mean(values: Sequence[float]) -> Mean:
    """The mean with its 95 % interval by Student's t distribution, for values that are about normally distributed.

    Raises:
      ValueError: there is none.
    """
    if not len(values):
        raise ValueError("no values to take the mean of")
    middle = float(np.mean(values))
    if len(values) == 1:
        return Mean(middle, math.nan)
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Mean(middle, float(stats.t.ppf(0.975, len(values) - 1)) * error)


class Comparison(NamedTuple):
    """Of two things that were repeated under the same conditions."""

    difference: Mean
    """The first's values less the second's."""
    p: float
    """How likely a mean difference as large, up or down, would be if there was none: paired t-test. NaN where nothing
    tells: of one pair, and of a difference that is the same in every pair, as counts of few samples often are."""


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """A paired t-test.

    Args:
      first: values of one thing.
      second: of the other, in the same order of conditions (seeds).

    Raises:
      ValueError: there is not one of each for every condition.
    """
    differences = np.subtract(np.asarray(first, float), np.asarray(second, float))
    if differences.ndim != 1 or len(first) != len(second):
        raise ValueError(f"{len(first)} values cannot be paired with {len(second)}")
    if len(differences) == 1:
        return Comparison(mean(differences.tolist()), math.nan)
    if np.ptp(differences) < ROUNDING:
        return Comparison(mean(differences.tolist()), 1.0 if abs(differences[0]) < ROUNDING else math.nan)
    t = float(np.mean(differences)) / (float(np.std(differences, ddof=1)) / math.sqrt(len(differences)))
    return Comparison(mean(differences.tolist()), float(2 * stats.t.sf(abs(t), len(differences) - 1)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The same for several comparisons at once (Holm 1979): below a level together, none is there by chance.

    Returns:
      Adjusted values in the same order; NaNs stay, and count for nothing.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    adjusted, floor = [math.nan] * len(p_values), 0.0
    for rank, (p, place) in enumerate(known):
        floor = max(floor, min(1.0, (len(known) - rank) * p))
        adjusted[place] = floor
    return adjusted
