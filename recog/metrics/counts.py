"""The protocol of counts: they add up over batches, hosts and data sets, in any order, to the same rates."""

from typing import ClassVar, Protocol, Self


class Counts(Protocol):
    """Mergeable counts over samples."""

    ranks_by: ClassVar[str]
    """The rate of the `report` that ranks checkpoints: the higher, the better."""

    def __add__(self, other: Self) -> Self: ...

    def report(self) -> dict[str, float]:
        """The number of samples as ``count`` and every rate, ready for JSON."""
        ...
