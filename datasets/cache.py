"""Loaded samples kept in memory, so that later epochs neither read nor decode them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8


class Loaded(NamedTuple):
    """A sample as batches hold it."""

    pixels: UInt8[np.ndarray, "H W C"]
    tokens: Int32[np.ndarray, " L"]

    @property
    def bytes(self) -> int:
        """Its arrays' memory."""
        return self.pixels.nbytes + self.tokens.nbytes


class Cache:
    """The first samples that fit; threads may share it. A copy in another process starts empty.

    Args:
      capacity: bytes of pixels and tokens to keep at most; the dictionary around them takes some 300 for each sample.
    """

    def __init__(self, capacity: int):
        self.capacity = capacity
        self._kept: dict[int, Loaded] = {}
        self._free = capacity

    def get(self, index: int) -> Loaded | None:
        """What was kept under this index."""
        return self._kept.get(index)

    def put(self, index: int, loaded: Loaded) -> None:
        """Keeps a sample, unless there is no room left."""
        if loaded.bytes <= self._free:
            # Two threads with the same sample count it twice: a little room is lost, no more is taken.
            self._free -= loaded.bytes
            self._kept[index] = loaded

    def __reduce__(self):
        return type(self), (self.capacity,)
