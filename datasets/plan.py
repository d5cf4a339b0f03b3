"""Assignment of samples to batches, as a pure function of the batch's number.

The plan knows all batches before the first is loaded. So the stream is the same for any number of workers and
processes, its position is one number, and every process draws the same number of batches.
"""

import functools
from typing import NamedTuple

import numpy as np

FOREVER = 2**40
"""Number of batches that an endless plan reports as its length."""


class Planned(NamedTuple):
    """One batch before it is loaded."""

    width: int
    """Width of the bucket in pixels."""
    indices: np.ndarray
    """Indices of the samples that this process loads; -1 pads the last batch of an evaluation."""


class _Epoch(NamedTuple):
    """Batches of an epoch, ``N`` of ``B`` samples."""

    order: np.ndarray
    """Place of each batch in the other arrays, ``N``."""
    buckets: np.ndarray
    """Index of each bucket, ``N``."""
    rows: np.ndarray
    """Indices of the samples, int32 ``N B``; -1 where there is none."""


class BatchPlan:
    """Batches of one bucket each, with the random access that a grain data source needs.

    Pictures left over when a bucket's batches are full go into the next wider bucket, so that an epoch has no more
    batches than a single bucket would need, and at most one of them is padded.

    Args:
      indices: indices of usable samples, ``N``, increasing.
      bucket_of: index of each sample's bucket, ``N``.
      buckets: bucket widths in pixels.
      batch_size: samples of a batch over all processes.
      seed: seed of an endless plan that shuffles every epoch anew and fills the last batch of an epoch with samples
        drawn a second time. None makes one pass in the source's order and pads the last batch with -1.
      process: ``(index, count)``: this process and the number of processes that share each batch.

    Raises:
      ValueError: there are no samples, the seed is negative, or the processes cannot share a batch equally.
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
            raise ValueError(
                f"data.batch_size={batch_size} cannot be shared by {process[1]} processes: "
                f"choose a positive multiple of {process[1]}"
            )
        if not len(indices):
            raise ValueError("there are no samples to make batches of")
        if seed is not None and seed < 0:
            raise ValueError(f"seed={seed}: choose 0 or more")
        self.buckets = buckets
        """Padded widths in pixels, by bucket."""
        self._indices = np.asarray(indices, np.int32)
        self._bucket_of = np.asarray(bucket_of, np.min_scalar_type(len(buckets)))
        self._batch_size = batch_size
        self._seed = seed
        self._process = process
        self.per_epoch = -(-len(self._indices) // batch_size)
        """Number of batches of an epoch."""
        self._epoch = functools.lru_cache(maxsize=2)(self._plan_epoch)

    def __len__(self) -> int:
        return self.per_epoch if self._seed is None else FOREVER

    def __getitem__(self, index: int) -> Planned:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}: use 0 to {len(self) - 1}")
        epoch, number = divmod(int(index), self.per_epoch)
        planned = self._epoch(epoch)
        place = planned.order[number]
        part, parts = self._process
        size = self._batch_size // parts
        indices = planned.rows[place]
        return Planned(self.buckets[planned.buckets[place]], indices[part * size : (part + 1) * size])

    def _plan_epoch(self, epoch: int) -> "_Epoch":
        random = None if self._seed is None else np.random.default_rng((self._seed, epoch))
        rows = np.empty((self.per_epoch, self._batch_size), np.int32)
        buckets = np.full(self.per_epoch, self._bucket_of.max())
        done, left = 0, self._indices[:0]
        for bucket in np.unique(self._bucket_of).tolist():
            members = self._indices[self._bucket_of == bucket]
            ready = np.concatenate([left, members if random is None else random.permutation(members)])
            count = len(ready) // self._batch_size
            rows[done : done + count] = ready[: count * self._batch_size].reshape(count, self._batch_size)
            buckets[done : done + count] = bucket
            done, left = done + count, ready[count * self._batch_size :]
        if len(left):
            rows[done] = self._fill_up(left, random)
        order = np.arange(self.per_epoch) if random is None else random.permutation(self.per_epoch)
        return _Epoch(order, buckets, rows)

    def _fill_up(self, left: np.ndarray, random: np.random.Generator | None) -> np.ndarray:
        missing = self._batch_size - len(left)
        if random is None:
            return np.concatenate([left, np.full(missing, -1, left.dtype)])
        others = self._indices[~np.isin(self._indices, left)]
        return np.concatenate([left, np.resize(random.permutation(others if len(others) else left), missing)])

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_epoch"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._epoch = functools.lru_cache(maxsize=2)(self._plan_epoch)
