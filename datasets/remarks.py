"""Remarks about usable samples that will probably be read badly, counted with their first examples."""

from collections import Counter
from typing import NamedTuple

from recog.codecs import Problems

EXAMPLES = 2
"""Number of samples to name for each kind of remark."""


class Example(NamedTuple):
    """A sample with a remark about it."""

    origin: str
    reason: str


class Remarks:
    """Numbers and first examples of remarks, by kind."""

    def __init__(self):
        self.counts: Counter[str] = Counter()
        """Number of samples by kind of remark."""
        self.examples: dict[str, list[Example]] = {}
        """First `EXAMPLES` samples of each kind."""

    def add(self, origin: str, found: Problems) -> None:
        """Counts the remarks about one sample."""
        for kind, reason in found.items():
            self._count(kind, 1, [Example(origin, reason)])

    def merge(self, other: "Remarks") -> None:
        """Counts the remarks about other samples."""
        for kind, count in other.counts.items():
            self._count(kind, count, other.examples[kind])

    def lines(self) -> list[str]:
        """One line for each kind."""
        return [self._line(kind, count) for kind, count in self.counts.items()]

    def _count(self, kind: str, count: int, examples: list[Example]) -> None:
        self.counts[kind] += count
        kept = self.examples.setdefault(kind, [])
        kept.extend(examples[: EXAMPLES - len(kept)])

    def _line(self, kind: str, count: int) -> str:
        first, *others = self.examples[kind]
        also = f"; also {', '.join(other.origin for other in others)}" if others else ""
        samples = "sample" if count == 1 else "samples"
        return f"{kind.replace('_', ' ')} in {count:,} {samples}: {first.origin}: {first.reason}{also}"
