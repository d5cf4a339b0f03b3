"""Results of a grid: figures of each cell, means over seeds of each combination, and the best one."""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from launch.ablation.grid import Cell
from launch.ablation.outcomes import FINISHED, Outcome
from launch.runs.config import Config
from launch.runs.costs import Cost
from launch.runs.tasks import counts_of
from recog.evaluation.statistics import Comparison, Mean, compare, holm, mean
from recog.metrics import RateStyle
from recog.training.writers import load_metrics

SIGNIFICANT = 0.05
FURTHER = ("log_loss_clipped",)
"""Further rates of the validation samples with a column of their own, for counts that have them."""


class Result(NamedTuple):
    """Figures of a finished cell, after its last step."""

    rate: float
    """Rate on the validation samples that ranks runs of its kind (`Counts.ranks_by`), such as the accuracy."""
    loss: float
    """Training loss since the log line before the last; several losses of a task are added up."""
    images_per_second: float
    """Median over the log lines; the total rate of cells that trained together."""
    seconds: float
    """Training time; an equal share of it for cells that trained together."""
    further: Mapping[str, float] = MappingProxyType({})
    """Those of the `FURTHER` rates that the counts have."""


class Row(NamedTuple):
    """A combination of levels, with the results of its repetitions with other seeds or folds."""

    labels: tuple[str, ...]
    cost: Cost
    results: Mapping[str, Result]
    """Figures of the cells that have finished, by `Cell.repetition`."""
    outcomes: Mapping[str, Outcome]
    """Outcomes of all cells, by `Cell.repetition`."""

    @property
    def rate(self) -> Mean | None:
        """Mean rate over the repetitions; None while none has finished."""
        return mean([result.rate for result in self.results.values()]) if self.results else None

    @property
    def loss(self) -> Mean | None:
        """Mean loss over the repetitions; None while none has finished."""
        return mean([result.loss for result in self.results.values()]) if self.results else None

    def further(self, name: str) -> Mean | None:
        """Mean of one of the `FURTHER` rates over the repetitions; None where none has it."""
        found = [result.further[name] for result in self.results.values() if name in result.further]
        return mean(found) if found else None

    @property
    def images_per_second(self) -> float:
        """Median speed over the repetitions."""
        return statistics.median(result.images_per_second for result in self.results.values())

    @property
    def seconds(self) -> float:
        """Median training time over the repetitions."""
        return statistics.median(result.seconds for result in self.results.values())


def load_result(folder: Path, config: Config) -> Result:
    """Reads the figures of a cell from its ``metrics.jsonl``.

    Args:
      folder: folder of the cell.
      config: its configuration.

    Raises:
      ValueError: the file lacks some of them.
    """
    validation = f"validation/{counts_of(config).ranks_by}"
    lines = load_metrics(folder / "metrics.jsonl")
    logged = [line for line in lines if "train/images_per_second" in line]
    validated = [line[validation] for line in lines if validation in line]
    if not (logged and validated):
        raise ValueError(f"{folder / 'metrics.jsonl'} is damaged: remove the folder {folder} to train this cell again")
    seconds, before = 0.0, 0
    for line in logged:
        share = line["train/images_per_second"] * line.get("train/together", 1)
        seconds += (line["step"] - before) * config.data.batch_size / share
        before = line["step"]
    return Result(
        rate=validated[-1],
        loss=sum(value for name, value in logged[-1].items() if name.startswith("train/") and name.endswith("_loss")),
        images_per_second=statistics.median(
            line["train/images_per_second"] * line.get("train/together", 1) for line in logged
        ),
        seconds=seconds,
        further={name: value for name in FURTHER if (value := _last(lines, f"validation/{name}")) is not None},
    )


def _last(lines: Sequence[Mapping[str, float]], name: str) -> float | None:
    """Value of a metric in the last line that has it; None if none has."""
    return next((line[name] for line in reversed(lines) if name in line), None)


def make_rows(
    cells: Sequence[Cell], folders: Sequence[Path], outcomes: Sequence[Outcome], costs: Mapping[tuple[str, ...], Cost]
) -> list[Row]:
    """Returns one row for each combination of levels, in the grid's order.

    Args:
      cells: all cells of the grid.
      folders: folders of the cells.
      outcomes: outcomes of the cells.
      costs: cost of reading one image, by labels.
    """
    results: dict[tuple[str, ...], dict[str, Result]] = {}
    stands: dict[tuple[str, ...], dict[str, Outcome]] = {}
    for cell, folder, outcome in zip(cells, folders, outcomes, strict=True):
        stands.setdefault(cell.labels, {})[cell.repetition] = outcome
        finished = results.setdefault(cell.labels, {})
        if outcome.status == FINISHED:
            finished[cell.repetition] = load_result(folder, cell.config)
    return [Row(labels, costs[labels], results[labels], stands[labels]) for labels in results]


class Rival(NamedTuple):
    """A combination that is compared with the best one."""

    row: Row
    repetitions: int
    """Number of repetitions that both have finished."""
    comparison: Comparison
    """The best one's rate less the other's, over the repetitions that both have finished."""
    p: float
    """p value of the comparison, adjusted for all pairs of combinations."""

    @property
    def beaten(self) -> bool:
        """Whether the best one is significantly better."""
        return self.comparison.difference.value > 0 and self.p < SIGNIFICANT


class Best(NamedTuple):
    """The combination with the highest mean rate."""

    row: Row
    rivals: tuple[Rival, ...]
    """All others with a finished run, the next best first."""


def find_best(rows: Sequence[Row]) -> Best | None:
    """Compares the best combination with every other; None where none has finished. Of equals the first is the best.

    A combination that has finished all repetitions comes before any that has not: the surviving runs are a biased
    sample. As the best is picked from the same runs, p values are adjusted for all pairs of combinations.
    """
    done = sorted((row for row in rows if row.rate), key=_standing, reverse=True)
    if not done:
        return None
    best, *others = done
    pairs = list(itertools.combinations(done, 2))  # those with the best come first
    compared = [_compare(*pair) for pair in pairs]
    adjusted = holm([comparison.p for _, comparison in compared])
    rivals = [Rival(other, *found, p) for other, found, p in zip(others, compared, adjusted, strict=False)]
    return Best(best, tuple(rivals))


def _standing(row: Row) -> tuple[bool, float]:
    return len(row.results) == len(row.outcomes), row.rate.value if row.rate else -math.inf


def _compare(one: Row, other: Row) -> tuple[int, Comparison]:
    """Returns the number of repetitions that both have finished, and the comparison over these."""
    common = [repetition for repetition in one.results if repetition in other.results]
    if not common:
        return 0, Comparison(Mean(math.nan, math.nan), math.nan)
    return len(common), compare(*([row.results[repetition].rate for repetition in common] for row in (one, other)))


def describe_best(axes: Sequence[str], best: Best, style: RateStyle, over: str = "seed") -> list[str]:
    """Says in sentences which combination is best, by how much, and whether that may be chance.

    Args:
      axes: names of the axes.
      best: the best combination.
      style: presentation of the rate.
      over: name of a repetition: ``seed`` or ``fold``.
    """
    rate = best.row.rate or Mean(math.nan, math.nan)
    lines = [f"Best: {_named(axes, best.row)}, {style.text(rate.value)}."]
    if not best.rivals:
        return lines
    lines.append(f"Next: {_named(axes, best.rivals[0].row)}, {_lead(best.rivals[0], style, over)}.")
    if max(rival.repetitions for rival in best.rivals) > 1:
        beaten = sum(rival.beaten for rival in best.rivals)
        lines.append(
            f"The best is significantly better than {beaten} of the {len(best.rivals)} others: paired t-tests over the "
            f"{over}s that both have finished, p adjusted after Holm for all pairs of combinations, level "
            f"{SIGNIFICANT}."
        )
    return lines


def _lead(rival: Rival, style: RateStyle, over: str) -> str:
    lead = rival.comparison.difference
    if rival.repetitions == 0:
        return f"with no finished {over} in common, so that they cannot be compared"
    shown = f"{style.difference(lead.value)} {'above' if lead.value < 0 else 'below'}"
    if rival.repetitions == 1:
        return f"{shown} with the one {over} that both have finished, which does not tell whether that is chance"
    if math.isnan(rival.p):
        return f"{shown} with each of {rival.repetitions} {over}s, so that there is no spread to judge it by"
    verdict = "significant" if rival.beaten else "not significant"
    return f"{shown} (95 % interval of this difference {_interval(lead, style)}; adjusted p = {rival.p:.2g}, {verdict})"


def _interval(lead: Mean, style: RateStyle) -> str:
    return f"{style.number(lead.value - lead.half_width)} to {style.number(lead.value + lead.half_width)}"


def _named(axes: Sequence[str], row: Row) -> str:
    return ", ".join(f"{axis} {label}" for axis, label in zip(axes, row.labels, strict=True))
