"""Which samples make up which batch, as a pure function of the batch's number.

The plan knows all batches before the first is loaded. So the stream is the same for any number of workers and
processes, its position is one number, and every process draws the same number of batches.
"""

import functools
from typing import NamedTuple

import numpy as np

FOREVER = 2**40
"""Batches of an endless plan."""


class Planned(NamedTuple):
    """One batch before it is loaded."""

    width: int
    """The bucket's width in pixels."""
    indices: np.ndarray
    """Samples of this process; -1 fills up the last batches of an evaluation."""


class BatchPlan:
    """Batches of one bucket each; random access, so that it can be a grain data source.

    Args:
      indices: usable samples.
      bucket_of: index of each one's bucket.
      buckets: bucket widths in pixels.
      batch_size: samples of a batch over all processes.
      seed: of the order, which changes with every epoch; None keeps the source's order, makes one pass, and fills the
        last batch of each bucket up with -1. A shuffled plan is endless and fills up with samples of the same bucket.
      process: which part of each batch to load, ``(index, count)``.

    Raises:
      ValueError: a batch size that the processes cannot share equally.
    """

    def __init__(
        self,
        indices: np.ndarray,
        bucket_of: np.ndarray,
        buckets: tuple[int, ...],
        *,
        batch_size: int,
        seed: int | None,
        process: tuple[int, int] = (0, 1),
    ):
        if batch_size < 1 or batch_size % process[1]:
            raise ValueError(f"data.batch_size={batch_size} cannot be shared by {process[1]} processes")
        self.buckets = buckets
        """Padded widths in pixels."""
        self._members = [np.asarray(indices)[bucket_of == bucket] for bucket in range(len(buckets))]
        self._batch_size = batch_size
        self._seed = seed
        self._process = process
        self.per_epoch = sum(-(-len(members) // batch_size) for members in self._members)
        """Batches in which every sample occurs at least once."""
        self._epoch = functools.lru_cache(maxsize=2)(self._plan_epoch)

    def __len__(self) -> int:
        return self.per_epoch if self._seed is None else FOREVER

    def __getitem__(self, index: int) -> Planned:
        epoch, number = divmod(int(index), self.per_epoch)
        bucket, indices = self._epoch(epoch)[number]
        part, parts = self._process
        size = self._batch_size // parts
        return Planned(self.buckets[bucket], indices[part * size : (part + 1) * size])

    def _plan_epoch(self, epoch: int) -> list[tuple[int, np.ndarray]]:
        batches = []
        random = None if self._seed is None else np.random.default_rng((self._seed, epoch))
        for bucket, members in enumerate(self._members):
            order = members if random is None else random.permutation(members)
            missing = -len(order) % self._batch_size
            filling = np.full(missing, -1) if random is None else np.resize(order, missing)
            rows = np.concatenate([order, filling]).reshape(-1, self._batch_size)
            batches += [(bucket, row) for row in rows]
        return batches if random is None else [batches[i] for i in random.permutation(len(batches))]

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_epoch"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._epoch = functools.lru_cache(maxsize=2)(self._plan_epoch)
