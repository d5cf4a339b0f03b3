"""The table of the CTC benchmark: times, ratios, memory and gradient errors, a line for each shape."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from launch.benchmarks.ctc_losses import contestant_names
from launch.benchmarks.ctc_problem import Shape
from launch.benchmarks.timing import Timing, marked


class LossResult(NamedTuple):
    """Measurements of one contestant on one shape."""

    timing: Timing
    temporary_bytes: int | None
    """Peak temporary memory; None where it is unknown."""
    gradient_error: float
    """Largest absolute difference from the float64 gradient, scaled to one sample's own loss."""


Results = dict[str, LossResult]
"""Measurements on one shape by contestant."""


class Ratio(NamedTuple):
    """Speed of our loss divided by a rival's."""

    value: float
    alone: bool
    """Whether no other process disturbed the two timings."""

    def __str__(self) -> str:
        return f"{self.value:.2f}x{'' if self.alone else '?'}"


def header() -> str:
    """Two lines of titles."""
    titles = [title.rjust(9 * len(names)) for title, names in _groups()]
    return f"{_line('', titles)}\n{_line('B x T x K x L', [name for _, names in _groups() for name in names])}"


def shape_line(shape: Shape, results: Results) -> str:
    """Times, ratios, memory and gradient errors on one shape."""
    names = contestant_names()
    field = [results.get(name) for name in names]
    milliseconds = [marked(f"{1e3 * r.timing.seconds:.2f}", r.timing) if r else "-" for r in field]
    ratios = [str(_ratio(results, rival) or "-") for rival in names[1:]]
    memory = [f"{r.temporary_bytes / 2**20:.1f}" if r and r.temporary_bytes is not None else "-" for r in field[:-1]]
    errors = [f"{r.gradient_error:.1e}" if r else "-" for r in field]
    return _line(str(shape), milliseconds + ratios + memory + errors)


def mean_line(table: dict[Shape, Results]) -> str:
    """Geometric means of the ratios."""
    names = contestant_names()
    means = [str(geometric_mean(table, rival) or "-") for rival in names[1:]]
    return _line("geometric mean", [""] * len(names) + means)


def geometric_mean(table: dict[Shape, Results], rival: str) -> Ratio | None:
    """The mean ratio to a rival over all shapes; None where it was not measured."""
    known = [ratio for results in table.values() if (ratio := _ratio(results, rival))]
    return Ratio(statistics.geometric_mean(r.value for r in known), all(r.alone for r in known)) if known else None


def _ratio(results: Results, rival: str) -> Ratio | None:
    if rival not in results:
        return None
    ours, theirs = results["recog"].timing, results[rival].timing
    return Ratio(theirs.seconds / ours.seconds, ours.alone and theirs.alone)


def _groups() -> list[tuple[str, list[str]]]:
    """Titles, and the contestants below each."""
    names = contestant_names()
    return [
        ("milliseconds", names),
        ("times faster than", names[1:]),
        ("temporary MiB", names[:-1]),
        ("gradient error", names),
    ]


def _line(first: str, cells: Sequence[str], width: int = 9) -> str:
    return first.ljust(16) + "".join(cell.rjust(width) for cell in cells)
