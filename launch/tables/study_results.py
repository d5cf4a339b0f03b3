"""Results of finished studies, from the ``table.csv`` that ``launch.ablate`` keeps in their folders."""

import csv
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from launch.ablation.study import Study, load_study
from launch.ablation.tables import DASH, Table, with_interval
from launch.tables.printing import Note, Page
from launch.tables.published import UNCONFIRMED, Published, published_lines
from launch.tables.readers import parse_named
from recog.evaluation.statistics import Mean

FILE = "table.csv"
RUNS = "finished"
"""Column of `FILE` after those of the axes."""


class Combination(NamedTuple):
    """Results of one combination of levels."""

    labels: tuple[str, ...]
    accuracy: Mean | None
    """Mean over the finished runs; None without one."""
    loss: Mean | None
    """Likewise, of the training loss."""
    runs: str
    """Number of finished runs of all: ``3/3``."""


class Results(NamedTuple):
    """Results of a study in one folder."""

    name: str
    """Name in the tables."""
    axes: tuple[str, ...]
    combinations: list[Combination]


def load_results(workdir: str) -> Results | None:
    """Loads the results of ``NAME=FOLDER`` or ``FOLDER``; None while there are none.

    Raises:
      ValueError: the file is not one that ``launch.ablate`` wrote.
    """
    name, folder = parse_named(workdir)
    path = Path(folder, FILE)
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as lines:
        titles, *rows = [*csv.reader(lines)] or [[]]
    if RUNS not in titles or "accuracy" not in titles or any(len(row) != len(titles) for row in rows):
        raise ValueError(f"{path} is not a table of accuracies that launch.ablate wrote: give its --workdir")
    count = titles.index(RUNS)
    return Results(
        name, tuple(titles[:count]), [_combination(dict(zip(titles, row, strict=True)), row[:count]) for row in rows]
    )


def _combination(row: dict[str, str], labels: Sequence[str]) -> Combination:
    return Combination(tuple(labels), _mean(row, "accuracy"), _mean(row, "loss"), f"{row[RUNS]}/{row['runs']}")


def _mean(row: dict[str, str], name: str) -> Mean | None:
    width = row[f"{name}_half_width"]
    return Mean(float(row[name]), float(width) if width else math.nan) if row[name] else None


def study_page(
    title: str, study: str, source: str, results: Sequence[Results], notes: Sequence[Note], published: str
) -> Page:
    """Puts the results of a study beside the published figures.

    Args:
      title: title of the table.
      study: name of the study.
      source: name of the publication, of the rows with its figures.
      results: results of the study from one folder or several.
      notes: remarks on folders.
      published: file with figures of the publication, see `published_lines`.
    """
    axes = load_study(study).axes
    titles = ["figures", *(axis.name for axis in axes), "accuracy %", "loss", "runs"]
    ours = [
        [one.name, *row.labels, _text(row.accuracy, 100, 2), _text(row.loss, 1, 4), row.runs]
        for one in results
        for row in one.combinations
    ]
    rows = [Published((source, *labels)) for labels in _combinations(load_study(study))]
    table = Table(titles, [*ours, *published_lines(titles, rows, published)], (-1, -1))
    means = Note("Means over the runs with 95 % intervals: exact match on the validation samples, training loss")
    return Page(title, table, (*notes, *([means] if ours else []), Note(UNCONFIRMED)))


def _combinations(study: Study) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    for axis in study.axes:
        found = [(*labels, level.label) for labels in found for level in axis.levels]
    return found


def _text(value: Mean | None, scale: float, digits: int) -> str:
    return with_interval(value, scale, digits) if value else DASH


def gather(workdirs: Sequence[str], study: str, example: str) -> tuple[list[Results], list[Note]]:
    """Loads the results of one study.

    Args:
      workdirs: folders of it, each ``NAME=FOLDER`` or ``FOLDER``.
      study: name of the study.
      example: folder that a remark proposes if none is given.

    Raises:
      ValueError: a folder holds another study.
    """
    axes, found, notes = tuple(axis.name for axis in load_study(study).axes), [], []
    for workdir in workdirs or [example]:
        results = load_results(workdir)
        if not results:
            notes.append(missing(study, parse_named(workdir)[1]))
        elif results.axes != axes:
            raise ValueError(f"{workdir} holds a study of {', '.join(results.axes)}, not of {', '.join(axes)}")
        else:
            found.append(results)
    return found, notes


def missing(study: str, folder: str) -> Note:
    """Remark on a study that has no results yet, with the command that trains it."""
    samples = "--config.data.train=SPEC --config.data.validation=SPEC"
    command = f"python -m launch.ablate --study={study} --workdir={shlex.quote(folder)} {samples}"
    return Note(f"{study} has no results in {folder}. Train it", command)
