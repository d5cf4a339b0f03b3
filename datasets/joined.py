"""Several sources of stored samples, one after the other."""

from collections.abc import Sequence

import numpy as np

from datasets.sources import Keyed, Sample, group_of


class Joined:
    """The samples of several sources, those of the first source first.

    Args:
      sources: sources whose samples have keys, at least one.
    """

    def __init__(self, sources: Sequence[Keyed]):
        self.sources = tuple(sources)
        """The joined sources."""
        self._ends = np.cumsum([len(source) for source in self.sources])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> Sample:
        source, own = self.locate(index)
        return source[own]

    def origin(self, index: int) -> str:
        """Origin of the sample in its own source."""
        source, own = self.locate(index)
        return source.origin(own)

    def key(self, index: int) -> bytes:
        """Key of the sample in its own source."""
        source, own = self.locate(index)
        return source.key(own)

    def group(self, index: int) -> bytes:
        """Group of the sample in its own source, or its key."""
        return group_of(*self.locate(index))

    def locate(self, index: int) -> tuple[Keyed, int]:
        """The source of sample ``index``, and the sample's index in it.

        Raises:
          IndexError: the index is outside 0 to ``len - 1``.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}: use 0 to {len(self) - 1}")
        part = int(np.searchsorted(self._ends, index, side="right"))
        source = self.sources[part]
        return source, index - int(self._ends[part]) + len(source)
