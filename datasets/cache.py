"""Loaded samples kept in memory, so that later epochs neither read nor decode them."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from datasets.mixture import Mixture
from datasets.sources import RenderedSource, Source


class Loaded(NamedTuple):
    """A sample as batches hold it."""

    pixels: UInt8[np.ndarray, "H W C"]
    targets: Any
    """Its encoded label."""

    @property
    def bytes(self) -> int:
        """Memory of its arrays."""
        return self.pixels.nbytes + sum(array.nbytes for array in self.targets)


class Cache:
    """The first samples of a source that fit; threads may share it. A copy in another process starts empty.

    Samples that a renderer draws are not kept: there are too many for one to come again soon. Those of a mixture's
    other parts are kept once, however often they take their turn.

    Args:
      source: what the samples are of.
      capacity: bytes of pixels and targets to keep at most; the dictionary around them takes some 300 for each sample.
    """

    def __init__(self, source: Source, capacity: int):
        self._source, self._free, self._capacity = source, capacity, capacity
        self._kept: dict[tuple[int, ...], Loaded] = {}

    def get(self, index: int) -> Loaded | None:
        """Sample ``index``, where it was kept."""
        return self._kept.get(self._place(index)[1])

    def put(self, index: int, loaded: Loaded) -> None:
        """Keeps sample ``index``, unless there is no room left for it."""
        source, place = self._place(index)
        if loaded.bytes <= self._free and not isinstance(source, RenderedSource):
            # Two threads with the same sample count it twice: a little room is lost, no more is taken.
            self._free -= loaded.bytes
            self._kept[place] = loaded

    def _place(self, index: int) -> tuple[Source, tuple[int, ...]]:
        """What draws the sample, through mixtures of mixtures, and what it is there."""
        source, path = self._source, ()
        while isinstance(source, Mixture):
            part, index = source.locate(index)
            source, path = source.sources[part], (*path, part)
        return source, (*path, index)

    def __reduce__(self):
        return type(self), (self._source, self._capacity)
