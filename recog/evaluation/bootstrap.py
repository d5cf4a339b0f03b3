"""Intervals of rates by the bootstrap (Efron and Tibshirani 1993, chapter 13), for independent samples or groups."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

NUMBERS_AT_ONCE = 1 << 22
"""Maximum number of weights held at once: 32 MiB."""


class Interval(NamedTuple):
    """A rate with the ends of its interval."""

    value: float
    low: float
    high: float


def interval(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
    resamples: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Returns the ratio of two sums over samples, with its percentile interval.

    Samples, or whole groups of them, are drawn with replacement; the interval's ends are quantiles of the ratio over
    the resamples. Accuracy has numerators of 0 and 1 and denominators of 1; the character error rate has edits and
    label tokens. As in `recog.metrics.ReadingCounts`, sums of denominators that are zero divide by 1.

    A single sample or group, and samples with equal ratios, show no spread: both ends are the value. Such an interval
    says nothing about pictures that are not among the samples, so show the number of samples beside it.

    Args:
      numerators: one number per sample.
      denominators: one number per sample, not negative.
      groups: group of each sample, for samples that are not independent, such as the plates of one video; by default
        each sample is a group of its own.
      seed: seed of the resamples.
      resamples: number of resamples.
      level: share of the resamples between the ends.

    Raises:
      ValueError: there are no samples, their numbers differ, a number is not finite, or a denominator is negative.
    """
    sums = np.stack(_checked(numerators, denominators), axis=1)
    if groups is not None:
        sums = _by_group(sums, groups)
    distinct, times = np.unique(sums, axis=0, return_counts=True)
    ratios = _ratio(_resampled(distinct, times, np.random.default_rng(seed), resamples))
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return Interval(float(_ratio(times @ distinct)), low, high)


def _checked(numerators: ArrayLike, denominators: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    above, below = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    if above.ndim != 1 or above.shape != below.shape:
        raise ValueError(
            f"numerators of shape {above.shape}, denominators of shape {below.shape}: pass one of each per sample"
        )
    if not len(above):
        raise ValueError("no samples to resample: leave out rates and groups without samples")
    bad = np.flatnonzero(~np.isfinite(above) | ~np.isfinite(below) | (below < 0))
    if len(bad):
        place = int(bad[0])
        raise ValueError(
            f"sample {place} has the ratio {above[place]:g}/{below[place]:g}: pass finite numbers, and denominators "
            "that are not negative"
        )
    return above, below


def _by_group(sums: Float[np.ndarray, "N 2"], groups: Sequence[Hashable]) -> Float[np.ndarray, "G 2"]:
    if len(groups) != len(sums):
        raise ValueError(f"{len(groups)} groups for {len(sums)} samples: pass the group of each sample")
    places = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    total = np.zeros((len(places), 2))
    np.add.at(total, [places[group] for group in groups], sums)
    return total


def _resampled(
    distinct: Float[np.ndarray, "D 2"], times: Int[np.ndarray, " D"], random: np.random.Generator, resamples: int
) -> Float[np.ndarray, "R 2"]:
    """Sums over each resample of samples that occur several times: a rate of 0 and 1 takes two weights a resample."""
    rows = max(1, NUMBERS_AT_ONCE // len(distinct))
    return np.concatenate(
        [
            random.multinomial(times.sum(), times / times.sum(), min(rows, resamples - start)) @ distinct
            for start in range(0, resamples, rows)
        ]
    )


def _ratio(sums: Float[np.ndarray, "... 2"]) -> Float[np.ndarray, "..."]:
    return sums[..., 0] / np.where(sums[..., 1] > 0, sums[..., 1], 1.0)
