"""Width buckets: a handful of padded widths, so that a handful of shapes is compiled and little is padded."""

import numpy as np

STEP = 8
"""Buckets are multiples of this many pixels."""


def choose_buckets(widths: np.ndarray, count: int = 4) -> tuple[int, ...]:
    """The bucket widths that pad the fewest columns over these pictures; exact, by dynamic programming.

    Args:
      widths: pixels, one for each picture; at least one.
      count: most buckets, at least 1; each costs a compilation.

    Returns:
      At most ``count`` increasing multiples of `STEP`, the last no narrower than the widest picture.
    """
    rounded = -(-np.asarray(widths) // STEP) * STEP
    sizes, pictures = np.unique(rounded, return_counts=True)
    before = np.concatenate([[0], np.cumsum(pictures)])
    # cost[j]: columns of the first j sizes with the buckets so far; the last bucket must be sizes[j - 1].
    cost = np.concatenate([[0.0], np.full(len(sizes), np.inf)])
    choices = []
    for _ in range(min(count, len(sizes))):
        extended = cost[None, :] + (before[1:, None] - before[None, :]) * sizes[:, None]  # to i, from j
        extended[np.arange(len(cost))[None, :] > np.arange(1, len(cost))[:, None]] = np.inf
        choices.append(np.argmin(extended, axis=1))
        cost = np.concatenate([[0.0], np.min(extended, axis=1)])
    buckets, end = [], len(sizes)
    for choice in reversed(choices):
        if end:
            buckets.append(int(sizes[end - 1]))
            end = int(choice[end - 1])
    return tuple(sorted(set(buckets)))


def assign_buckets(widths: np.ndarray, buckets: tuple[int, ...]) -> np.ndarray:
    """The index of the narrowest of these increasing buckets that holds each picture.

    Raises:
      ValueError: a picture wider than the widest bucket.
    """
    chosen = np.searchsorted(np.asarray(buckets), widths)
    if len(widths) and chosen.max() == len(buckets):
        raise ValueError(f"a picture is {widths.max()} pixels wide, the widest bucket is {buckets[-1]}")
    return chosen
