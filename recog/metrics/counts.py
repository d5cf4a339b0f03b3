"""Protocol of counts, which add up over batches, hosts and data sets in any order to the same rates."""

import functools
from typing import Any, ClassVar, NamedTuple, Protocol, Self


class RateStyle(NamedTuple):
    """Presentation of a rate in tables, pictures and sentences."""

    title: str
    """Name for titles of columns: ``accuracy``."""
    short: str
    """Abbreviation for crowded tables: ``acc``."""
    meaning: str
    """Name that explains it: ``exact match``."""
    percent: bool = True
    """Whether it is a share, 0 to 1, to be shown in per cent."""

    @property
    def label(self) -> str:
        """Title with the unit: ``accuracy %``."""
        return f"{self.title} %" if self.percent else self.title

    @property
    def axis(self) -> str:
        """Explaining name with the unit: ``exact match, %``."""
        return f"{self.meaning}, %" if self.percent else self.meaning

    @property
    def scale(self) -> int:
        """Factor from the rate to the number shown."""
        return 100 if self.percent else 1

    @property
    def digits(self) -> int:
        """Decimal places of the number shown."""
        return 2 if self.percent else 4

    def number(self, value: float) -> str:
        """The number without its unit: ``93.10``."""
        return f"{self.scale * value:.{self.digits}f}"

    def text(self, value: float) -> str:
        """The number with its unit: ``93.10 %``."""
        return f"{self.number(value)} %" if self.percent else self.number(value)

    def difference(self, value: float) -> str:
        """Size of the difference of two rates: ``1.20 points``."""
        return f"{self.number(abs(value))} points" if self.percent else self.number(abs(value))


class Counts(Protocol):
    """Mergeable counts over samples."""

    ranks_by: ClassVar[str]
    """Name of the rate in `report` that ranks checkpoints and the cells of an ablation; higher is better."""
    ties_by: ClassVar[str]
    """Name of the rate that ranks checkpoints equal in ``ranks_by``, lower is better; empty if the latest wins."""
    style: ClassVar[RateStyle]
    """Presentation of that rate."""

    def __add__(self, other: Self) -> Self: ...

    def report(self) -> dict[str, float]:
        """Number of samples as ``count`` and all rates, for JSON."""
        ...


class RunningTotal:
    """Sum of the counts of many batches, in their order.

    Counts of equally many batches are added to each other, so that few are kept, and counts that grow with the batches,
    such as `BoxCounts`, are copied only as often as their number doubles.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[int, Any]] = []
        """Number of batches, decreasing powers of two, and their counts."""

    def add(self, counts: Any) -> None:
        """Adds the `Counts` of the next batch."""
        batches: int = 1
        while self._parts and self._parts[-1][0] == batches:
            counts = self._parts.pop()[1] + counts
            batches *= 2
        self._parts.append((batches, counts))

    @property
    def total(self) -> Any:
        """Counts of all batches; None without any."""
        parts = [counts for _, counts in reversed(self._parts)]
        return functools.reduce(lambda later, earlier: earlier + later, parts) if parts else None
