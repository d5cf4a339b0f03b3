"""Width buckets: a few padded widths, so that few shapes are compiled and little of a batch is padding."""

import numpy as np

STEP = 8
"""Pixels; bucket widths are multiples of it."""


def choose_buckets(widths: np.ndarray, count: int = 4) -> tuple[int, ...]:
    """Bucket widths that pad the fewest columns over these pictures; exact, by dynamic programming.

    Args:
      widths: picture widths in pixels, ``N`` with at least one picture.
      count: maximum number of buckets, at least 1; each is compiled separately.

    Returns:
      At most ``count`` increasing multiples of `STEP`; the last is at least as wide as the widest picture.
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
    """Index of the narrowest bucket that holds each picture, ``N``.

    Args:
      widths: picture widths in pixels, ``N``.
      buckets: bucket widths in pixels, increasing.

    Raises:
      ValueError: a picture is wider than the widest bucket.
    """
    chosen = np.searchsorted(np.asarray(buckets), widths)
    if len(widths) and chosen.max() == len(buckets):
        raise ValueError(
            f"a picture is {widths.max()} pixels wide, but the widest bucket is {buckets[-1]}: add a wider bucket"
        )
    return chosen
