"""Cache of loaded samples in memory, so that later epochs do not read and decode them again."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from datasets.mixture import Mixture
from datasets.sources import RenderedSource, Source


class Loaded(NamedTuple):
    """Preprocessed sample for batches."""

    pixels: UInt8[np.ndarray, "H W C"]
    targets: Any
    """Encoded label."""

    @property
    def bytes(self) -> int:
        """Size of its arrays in bytes."""
        return self.pixels.nbytes + sum(array.nbytes for array in self.targets)


class Cache:
    """Cache of the first samples of a source that fit; shared by threads, and empty in every new process.

    Rendered samples are not kept, because there are too many for repetitions. Samples of the other parts of a mixture
    are kept once, however often the mixture repeats them.

    Args:
      source: source of the samples.
      capacity: maximum size of pixels and targets in bytes; the dictionary adds about 300 bytes per sample.
    """

    def __init__(self, source: Source, capacity: int):
        self._source, self._free, self._capacity = source, capacity, capacity
        self._kept: dict[tuple[int, ...], Loaded] = {}

    def get(self, index: int) -> Loaded | None:
        """Sample ``index``, or None if it is not in the cache."""
        return self._kept.get(self._place(index)[1])

    def put(self, index: int, loaded: Loaded) -> None:
        """Keeps sample ``index`` if it fits."""
        source, place = self._place(index)
        if loaded.bytes <= self._free and not isinstance(source, RenderedSource):
            # Two threads with the same sample subtract its size twice, which only leaves space unused.
            self._free -= loaded.bytes
            self._kept[place] = loaded

    def _place(self, index: int) -> tuple[Source, tuple[int, ...]]:
        """Source of a sample inside nested mixtures, and its key: the parts' numbers and its index there."""
        source, path = self._source, ()
        while isinstance(source, Mixture):
            part, index = source.locate(index)
            source, path = source.sources[part], (*path, part)
        return source, (*path, index)

    def __reduce__(self):
        return type(self), (self._source, self._capacity)
