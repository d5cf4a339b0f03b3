"""A grid's results as tables: Markdown and LaTeX to read, CSV to compute with."""

import csv
import io
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from launch.ablation.outcomes import FINISHED
from launch.ablation.results import FURTHER, Best, Row
from recog.evaluation.statistics import Mean
from recog.metrics import RateStyle

DASH = "–"
_MARKS = re.compile(r"[|*`<\[\]~$]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)|\\(?=[!-/:-@\[-`{-~])")
"""Characters with a meaning in Markdown, where they have one: underscores within words and lone backslashes do not."""


class Table(NamedTuple):
    """Table cells as text."""

    titles: list[str]
    lines: list[list[str]]
    best: tuple[int, int]
    """Line and column of the best rate; -1, -1 without one."""


def long_table(axes: Sequence[str], rows: Sequence[Row], best: Best | None, style: RateStyle) -> Table:
    """Returns one line for each combination of levels, with all its results and costs."""
    further = further_rates(rows)
    titles = [
        *axes,
        style.label,
        *(name.replace("_", " ") for name in further),
        "loss",
        "parameters",
        "MACs",
        "images/s",
        "training",
    ]
    lines = [[*row.labels, *_figures(row, style, further)] for row in rows]
    place = rows.index(best.row) if best else -1
    return Table(titles, lines, (place, len(axes) if best else -1))


def further_rates(rows: Sequence[Row]) -> list[str]:
    """Names of the further rates that the runs have, each for a column."""
    return [name for name in FURTHER if any(row.further(name) for row in rows)]


def _figures(row: Row, style: RateStyle, further: Sequence[str]) -> list[str]:
    losses = [_plain(row.further(name)) for name in further]
    known = [_rate(row, style), *losses, _plain(row.loss), f"{row.cost.parameters:,}", f"{row.cost.macs / 1e6:,.1f} M"]
    return [*known, f"{row.images_per_second:.1f}", duration(row.seconds)] if row.results else [*known, DASH, DASH]


def _rate(row: Row, style: RateStyle) -> str:
    shown = [with_interval(row.rate, style.scale, style.digits)] if row.rate else []
    return ", ".join([*shown, *_missing(row)])


def _missing(row: Row) -> list[str]:
    """Counts the runs that have not finished by their status."""
    missing: dict[str, int] = {}
    for outcome in row.outcomes.values():
        if outcome.status != FINISHED:
            missing[outcome.status] = missing.get(outcome.status, 0) + 1
    return [f"{count} {status}" for status, count in missing.items()]


def _plain(value: Mean | None) -> str:
    return with_interval(value, 1, 4) if value else DASH


def with_interval(value: Mean, scale: float, digits: int) -> str:
    """Writes ``93.10 ± 0.42``; a single value without the interval."""
    shown = f"{scale * value.value:.{digits}f}"
    return shown if math.isnan(value.half_width) else f"{shown} ± {scale * value.half_width:.{digits}f}"


def duration(seconds: float) -> str:
    """Writes ``45 s``, ``12 min`` or ``3.4 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


def square_table(axes: Sequence[str], rows: Sequence[Row], best: Best | None, style: RateStyle) -> Table:
    """Lays out the patent's Table 5: the first axis downwards, the others across, ``rate/loss`` in each cell."""
    down = list(dict.fromkeys(row.labels[0] for row in rows))
    across = list(dict.fromkeys(row.labels[1:] for row in rows))
    found = {row.labels: row for row in rows}
    titles = [" \\ ".join([axes[0], *axes[1:]]), *(", ".join(labels) or f"{style.short}/loss" for labels in across)]
    lines = [[first, *(_pair(found[first, *rest], style) for rest in across)] for first in down]
    place = (down.index(best.row.labels[0]), 1 + across.index(best.row.labels[1:])) if best else (-1, -1)
    return Table(titles, lines, place)


def _pair(row: Row, style: RateStyle) -> str:
    measured = [f"{style.number(row.rate.value)}/{row.loss.value:.4f}"] if row.rate and row.loss else []
    return ", ".join([*measured, *_missing(row)])


def markdown(table: Table) -> str:
    """Writes the table in Markdown, the best rate in bold."""
    titles, *marked = ([escape_markdown(cell) for cell in line] for line in (table.titles, *table.lines))
    if table.best[0] >= 0:
        line, column = table.best
        marked[line][column] = f"**{marked[line][column]}**"
    rule = ["---"] * len(table.titles)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (titles, rule, *marked))


def escape_markdown(text: str) -> str:
    """Escapes the characters that Markdown would take for marks, as they are within a table."""
    return _MARKS.sub(r"\\\g<0>", text)


def latex(table: Table) -> str:
    """Writes the table in LaTeX, for ``booktabs``; the best rate in bold."""
    lines = [[_escape(cell) for cell in line] for line in table.lines]
    if table.best[0] >= 0:
        line, column = table.best
        lines[line][column] = rf"\textbf{{{lines[line][column]}}}"
    body = "".join(f"  {' & '.join(line)} \\\\\n" for line in lines)
    titles = " & ".join(map(_escape, table.titles))
    return (
        f"\\begin{{tabular}}{{{'l' + 'r' * (len(table.titles) - 1)}}}\n  \\toprule\n  {titles} \\\\\n  \\midrule\n"
        f"{body}  \\bottomrule\n\\end{{tabular}}\n"
    )


def _escape(text: str) -> str:
    written = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", "±": r"$\pm$", DASH: "--"}
    written |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    guard = "{}" if text.startswith(("[", "*")) else ""  # or the end of the line before would take it as its argument
    return guard + "".join(written.get(c, f"\\{c}" if c in "%_&#${}" else c) for c in text)


def comma_separated(axes: Sequence[str], rows: Sequence[Row], best: Best | None, rate: str) -> str:
    """Writes one line for each combination, with plain numbers: fractions, nats, seconds.

    Args:
      axes: names of the axes.
      rows: all rows of the grid.
      best: best of the rows.
      rate: name of the rate that ranks them (`Counts.ranks_by`).
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    further = further_rates(rows)
    figures = [f"{name}{suffix}" for name in (rate, "loss", *further) for suffix in ("", "_half_width")]
    costs = ["parameters", "macs", "images_per_second", "training_seconds"]
    every_rate = "accuracies" if rate == "accuracy" else f"{rate}_of_each_seed"
    writer.writerow([*axes, "finished", "runs", *figures, *costs, every_rate, "p_best_against_it"])
    adjusted = {rival.row.labels: rival.p for rival in best.rivals} if best else {}
    for row in rows:
        unknown = Mean(math.nan, math.nan)
        means = (row.rate, row.loss, *map(row.further, further))
        measured = [number for mean in means for number in mean or unknown]
        spent = [row.images_per_second, row.seconds] if row.results else [math.nan] * 2
        numbers = [*measured, row.cost.parameters, row.cost.macs, *spent]
        every = " ".join(f"{repetition}:{result.rate:.6g}" for repetition, result in row.results.items())
        p = adjusted.get(row.labels, math.nan)
        writer.writerow([*row.labels, len(row.results), len(row.outcomes), *map(_number, numbers), every, _number(p)])
    return text.getvalue()


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.8g}"
