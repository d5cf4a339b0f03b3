"""Samples of a source without the repetitions of a mixture, for reports."""

import itertools
from bisect import bisect_right

from datasets.mixture import Mixture
from datasets.sources import Keyed, RenderedSource, Sample, Source


class Once:
    """Source with every sample of a mixture once, and only the first samples of rendered sources."""

    def __init__(self, source: Source, rendered: int):
        self._parts = _parts(source)
        self.samples = sum(map(len, self._parts))
        """Number of samples in all parts, including those left out."""
        sizes = [min(len(p), rendered) if isinstance(p, RenderedSource) else len(p) for p in self._parts]
        self._starts = [0, *itertools.accumulate(sizes)]

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> Sample:
        part, own = self._locate(index)
        return self._parts[part][own]

    def origin(self, index: int) -> str:
        """Origin of a sample in its part."""
        part, own = self._locate(index)
        return self._parts[part].origin(own)

    def name(self, index: int) -> str:
        """Key of a sample as text (`datasets.sources.Keyed`), or its origin if it has none."""
        part, own = self._locate(index)
        source = self._parts[part]
        return source.key(own).decode(errors="surrogateescape") if isinstance(source, Keyed) else source.origin(own)

    def _locate(self, index: int) -> tuple[int, int]:
        part = bisect_right(self._starts, index) - 1
        return part, index - self._starts[part]


def _parts(source: Source) -> list[Source]:
    return [p for part in source.sources for p in _parts(part)] if isinstance(source, Mixture) else [source]
