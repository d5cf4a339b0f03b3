"""A grid of runs: axes along which a configuration varies, and cells, each a run with a folder of its own."""

import ast
import copy
import dataclasses
import itertools
import re
import typing
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections.config_flags import config_path

from launch.runs.config import Config


class Level(NamedTuple):
    """One place on an axis."""

    label: str
    settings: Mapping[str, Any]
    """Values by the paths of the configuration's fields, such as ``model.recurrent.layers``."""


class Axis(NamedTuple):
    """A varied setting and the values that it takes."""

    name: str
    levels: tuple[Level, ...]


class Cell(NamedTuple):
    """One run of the grid."""

    labels: tuple[str, ...]
    """Labels of its level on each axis."""
    seed: int
    config: Config
    name: str
    """Name of its folder."""

    @property
    def repetition(self) -> str:
        """Repetition of its combination of levels: the seed, or fold and seed, ``2/0``."""
        data = self.config.data
        return f"{data.fold}/{self.seed}" if data.folds else str(self.seed)


class Grid(NamedTuple):
    """All runs of one ablation."""

    axes: tuple[Axis, ...]
    cells: list[Cell]
    workdir: Path

    @property
    def names(self) -> list[str]:
        """Names of the axes."""
        return [axis.name for axis in self.axes]

    @property
    def folds(self) -> int:
        """Number of folds of a cross-validation; 0 for none."""
        return self.cells[0].config.data.folds

    @property
    def folders(self) -> list[Path]:
        """Folders of the cells."""
        return [folder_of(self.workdir, cell) for cell in self.cells]


def folder_of(workdir: Path, cell: Cell) -> Path:
    """Returns the work folder of a cell, which is that of an ordinary run."""
    return workdir / "cells" / cell.name


def field_type(config: Config, path: str) -> Any:
    """Returns the declared type of a field.

    Raises:
      ValueError: the path names no field, or a group of fields; the message lists the fields to choose among.
    """
    value: Any = config
    for name in path.split("."):
        names = [field.name for field in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else []
        if name not in names:
            choices = f": choose among {', '.join(names)}" if names else ""
            raise ValueError(f"{path}: {type(value).__name__} has no field {name!r}{choices}")
        value = getattr(value, name)
    if dataclasses.is_dataclass(value):
        names = ", ".join(f"{path}.{field.name}" for field in dataclasses.fields(value))
        raise ValueError(f"{path} is a group of settings: choose among {names}")
    return config_path.get_type(path, config)


def has_field(config: Config, path: str) -> bool:
    """Whether the configuration has such a field."""
    try:
        field_type(config, path)
    except ValueError:
        return False
    return True


def checked_value(path: str, kind: Any, value: Any) -> Any:
    """Returns the value in the type of its field; raises ``ValueError`` where it does not fit."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if typing.get_origin(kind) is tuple and isinstance(value, tuple | list):
        (of, *_) = typing.get_args(kind)
        return tuple(checked_value(path, of, item) for item in value)
    if not isinstance(kind, type) or type(value) is not kind:
        name = kind.__name__ if isinstance(kind, type) else str(kind)
        raise ValueError(f"{path}={value!r}: the field holds {name}")
    return value


def parse_sweep(text: str, config: Config) -> Axis:
    """Parses ``--sweep=PATH=VALUE,VALUE,...``.

    Tuples are written as in Python, ``data.buckets=(100,),(100,200)``, and so are texts with commas in them,
    ``data.train="plates:seed=1,clutter=0.5","plates:seed=1,clutter=0.9"``.

    Raises:
      ValueError: the field does not exist, or has another type.
    """
    path, equals, written = text.partition("=")
    if not (equals and written):
        raise ValueError(f"--sweep={text}: write a field and its values, such as model.recurrent.layers=1,2,3")
    kind = field_type(config, path)
    values = [checked_value(path, kind, value) for value in _parse_values(path, kind, written)]
    return Axis(path, tuple(Level(_label(value), {path: value}) for value in values))


def _parse_values(path: str, kind: Any, written: str) -> list[Any]:
    if kind is str and not written.startswith(("'", '"')):
        return written.split(",")
    if kind is bool:
        words = {"true": True, "false": False}
        return [words.get(word.strip().lower(), word) for word in written.split(",")]
    try:
        return ast.literal_eval(f"[{written}]")
    except (ValueError, SyntaxError):
        raise ValueError(f"{path}={written}: cannot read these as values") from None


def _label(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "+".join(map(_label, value)) or "none" if isinstance(value, tuple) else str(value)


def named_briefly(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Shortens the axes' names to the last part of their path where that tells them apart."""
    last = [axis.name.rpartition(".")[2] for axis in axes]
    return tuple(
        axis._replace(name=brief) if last.count(brief) == 1 else axis for axis, brief in zip(axes, last, strict=True)
    )


def check_axes(config: Config, axes: Sequence[Axis]) -> None:
    """Raises ``ValueError`` for axes without levels, levels that occur twice, and fields that cannot be set so."""
    owner: dict[str, int] = {}
    for place, axis in enumerate(axes):
        if not axis.levels:
            raise ValueError(f"{axis.name} has no values")
        if twice := [label for label, count in Counter(level.label for level in axis.levels).items() if count > 1]:
            raise ValueError(f"{axis.name} has {', '.join(twice)} more than once")
        for path in {path for level in axis.levels for path in level.settings}:
            if path == "seed":
                raise ValueError("seed cannot be an axis: set the number of seeds with --seeds")
            if path in ("data.fold", "data.folds"):
                raise ValueError(f"{path} cannot be an axis: set the number of folds with --folds")
            if owner.setdefault(path, place) != place:
                raise ValueError(f"{path} is set by two axes: put all of its values in one")
        for level in axis.levels:
            for path, value in level.settings.items():
                checked_value(path, field_type(config, path), value)


def make_cells(config: Config, axes: Sequence[Axis], seeds: int, folds: int = 0) -> list[Cell]:
    """Returns all combinations of levels, each with every fold and every seed.

    All see the training samples in the same order, those of one fold at least. ``{fold}`` and ``{seed}`` in
    ``init_from`` stand for those of the cell, so that each starts from the run that held out the same samples.

    Args:
      config: settings that all cells have in common.
      axes: checked by `check_axes`.
      seeds: number of seeds, counted up from the configuration's.
      folds: number of folds of a cross-validation, each held out in turn in place of ``data.holdout``; 0 for none.
    """
    cells = []
    for levels in itertools.product(*(axis.levels for axis in axes)):
        for fold, seed in itertools.product(range(max(folds, 1)), range(config.seed, config.seed + seeds)):
            own = copy.deepcopy(config)
            if folds:
                own.data.folds, own.data.fold, own.data.holdout = folds, fold, 0.0
            for level in levels:
                for path, value in level.settings.items():
                    config_path.set_value(path, own, checked_value(path, field_type(own, path), value))
            own.seed = seed
            own.init_from = own.init_from.replace("{fold}", str(own.data.fold)).replace("{seed}", str(seed))
            if own.data.order_seed < 0:
                own.data.order_seed = config.seed
            labels = tuple(level.label for level in levels)
            cells.append(Cell(labels, seed, own, _folder_name(axes, labels, fold if folds else None, seed)))
    return cells


def _folder_name(axes: Sequence[Axis], labels: Sequence[str], fold: int | None, seed: int) -> str:
    parts = [f"{axis.name}={label}" for axis, label in zip(axes, labels, strict=True)]
    folds = [] if fold is None else [f"fold={fold}"]
    return ",".join(map(_safe, [*parts, *folds, f"seed={seed}"]))


def _safe(part: str) -> str:
    """Returns the text with characters that file names allow; a checksum keeps changed ones apart."""
    plain = re.sub(r"[^\w.+=-]", "_", part)
    return plain if plain == part else f"{plain[:60]}-{zlib.crc32(part.encode()):08x}"
