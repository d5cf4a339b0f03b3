"""Rates of a report with their intervals: over all samples, and over parts of them."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from launch.runs.reporting.markup import Column, Html, Table, joined, paragraphs, percent, plural, table, tag
from launch.runs.reporting.section import Section
from recog.evaluation.bootstrap import Interval, interval

FEW = 50
"""Number of samples or groups below which percentiles of resamples are noticeably too narrow: with 40 groups of five,
91 of 100 intervals of 95 % held the rate."""
NO_SPREAD = "no spread"
"""Presentation of an interval whose ends are the same, because all samples are alike."""

Parts = dict[str, Int[np.ndarray, " M"]] | dict[int, Int[np.ndarray, " M"]]
"""Indices of samples by the name of their part."""


class Rate(NamedTuple):
    """A ratio of sums over samples."""

    name: str
    """Name in ``report.json``."""
    title: str
    meaning: str
    """Explanation in one sentence."""
    numerators: Float[np.ndarray, " N"]
    denominators: Float[np.ndarray, " N"]
    shown: Callable[[float], str] = percent
    """Presentation for people."""

    def of(self, indices: Int[np.ndarray, " M"] | None = None, groups: Sequence[Hashable] | None = None) -> Interval:
        """The rate over some or all samples, with its 95 % interval.

        Args:
          indices: samples; None for all.
          groups: group of every sample, which are drawn together; None draws samples.
        """
        chosen = np.arange(len(self.numerators)) if indices is None else indices
        own = None if groups is None else [groups[index] for index in chosen.tolist()]
        return interval(self.numerators[chosen], self.denominators[chosen], groups=own)

    def between(self, found: Interval) -> str:
        """Ends of an interval for people; `NO_SPREAD` without one."""
        return f"{self.shown(found.low)} to {self.shown(found.high)}" if found.low < found.high else NO_SPREAD


class Tile(NamedTuple):
    """A number of the top of the page."""

    title: str
    value: str
    note: str


def tiles_of(rates: Sequence[Rate], groups: Sequence[Hashable] | None) -> list[Tile]:
    """Numbers for the top of the page."""
    found = [(rate, rate.of(groups=groups)) for rate in rates]
    return [Tile(rate.title, rate.shown(each.value), rate.between(each)) for rate, each in found]


def show_tiles(tiles: Sequence[Tile]) -> Html:
    """The numbers, the first one large."""
    boxes = [
        tag("div", tag("dt", tile.title), tag("dd", tile.value), tag("dd", tile.note), class_=None if place else "main")
        for place, tile in enumerate(tiles)
    ]
    return tag("dl", *boxes, class_="tiles")


def rates_section(
    rates: Sequence[Rate], parts: Mapping[str, Parts], groups: Sequence[Hashable] | None, further: Mapping[str, float]
) -> Section:
    """Rates over all samples and over parts.

    Args:
      rates: rates, the most important first.
      parts: divisions of the samples, by title, such as ``length``.
      groups: group of each sample, which intervals draw together; None draws samples.
      further: other rates of the counts, without interval, for ``report.json``.
    """
    found = {rate.name: rate.of(groups=groups) for rate in rates}
    overall = Table(
        [
            Column("rate"),
            Column("value", number=True),
            Column("95 % interval", number=True),
            Column("meaning", words=True),
        ],
        [
            [rate.title, _number(rate, found[rate.name].value), _ends(rate, found[rate.name]), rate.meaning]
            for rate in rates
        ],
    )
    count = len(rates[0].numerators)
    units = count if groups is None else len(set(groups))
    drawn = plural(units, "picture") if groups is None else f"{plural(units, 'group')} of pictures"
    few = f" With only {units:,} of them it is fewer: the intervals are too narrow." if units < FEW else ""
    note = (
        f"Intervals are percentiles of 2,000 resamples of the {drawn}, drawn with replacement. About 19 out of 20 "
        f"intervals that are found in this manner hold the rate over all pictures of the same kind.{few}"
    )
    content: list[object] = [paragraphs([note, *_without_spread(rates[0], found[rates[0].name])]), table(overall)]
    data: dict[str, Any] = dict(further) | {
        name: {"value": each.value, "low": each.low, "high": each.high} for name, each in found.items()
    }
    ends = ("rate", "value", "low", "high")
    tables = {"rates": Table([Column(name) for name in ends], [[name, *each] for name, each in found.items()])}
    for title, members in parts.items():
        if len(members) > 1:
            # Resampling groups tells nothing within one of them.
            drawn = "Intervals draw the pictures of each group." if title == "group" else ""
            own = _by_part(title, members, rates[:4], None if title == "group" else groups)
            content += [tag("h3", f"By {title}"), tag("p", drawn, class_="quiet") if drawn else "", table(own)]
            tables[f"by_{title}"] = own
            data[f"by_{title}"] = _part_data(members, rates, own)
    return Section("rates", "Rates", joined(content), data, tables)


def _without_spread(rate: Rate, found: Interval) -> list[str]:
    """Warning that a rate without spread is not certain, for people."""
    count = len(rate.numerators)
    if found.low < found.high or not np.array_equal(rate.denominators, np.ones(count)):
        return []
    most = percent(1 - 0.05 ** (1 / count))
    return [
        f"All pictures are alike in “{rate.title}”, so resampling shows no spread. Other pictures may still differ: up "
        f"to {most} of them, by the exact binomial bound of 95 % for {plural(count, 'independent picture')}."
    ]


def _number(rate: Rate, value: float) -> Html:
    return tag("span", rate.shown(value))


def _ends(rate: Rate, found: Interval) -> Html:
    return tag("span", rate.between(found))


def _by_part(title: str, parts: Parts, rates: Sequence[Rate], groups: Sequence[Hashable] | None) -> Table:
    main = rates[0]
    columns = [
        Column(title, number=all(isinstance(name, int) for name in parts)),
        Column("pictures", lambda count: f"{count:,}", True),
        Column(main.title, _with_bar(main), True),
        Column("from", main.shown, True),
        Column("to", main.shown, True),
        *(Column(rate.title, rate.shown, True) for rate in rates[1:]),
    ]
    rows = []
    for name, members in parts.items():
        found = main.of(members, groups)
        others = [_ratio(rate, members) for rate in rates[1:]]
        ends = (found.low, found.high) if found.low < found.high else (None, None)
        rows.append([name, len(members), found.value, *ends, *others])
    return Table(columns, rows)


def _with_bar(rate: Rate) -> Callable[[float], Html]:
    def shown(value: float) -> Html:
        width = f"width: {100 * min(max(value, 0), 1):.1f}%"
        return joined([rate.shown(value), tag("span", tag("i", style=width), class_="bar")])

    return shown


def _ratio(rate: Rate, members: Int[np.ndarray, " M"]) -> float:
    below = float(rate.denominators[members].sum())
    return float(rate.numerators[members].sum()) / (below if below > 0 else 1.0)


def _part_data(parts: Parts, rates: Sequence[Rate], shown: Table) -> dict[str, dict[str, float | None]]:
    """Rates of each part, with the ends of the first one's interval; None without spread."""
    found = {}
    for (name, members), row in zip(parts.items(), shown.rows, strict=True):
        ends = {"low": row[3], "high": row[4]}
        found[str(name)] = {"count": len(members), **{rate.name: _ratio(rate, members) for rate in rates}, **ends}
    return found
