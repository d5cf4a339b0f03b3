"""Protocol of counts, which add up over batches, hosts and data sets in any order to the same rates."""

from typing import ClassVar, Protocol, Self


class Counts(Protocol):
    """Mergeable counts over samples."""

    ranks_by: ClassVar[str]
    """Name of the rate in `report` that ranks checkpoints; higher is better."""

    def __add__(self, other: Self) -> Self: ...

    def report(self) -> dict[str, float]:
        """Number of samples as ``count`` and all rates, for JSON."""
        ...
