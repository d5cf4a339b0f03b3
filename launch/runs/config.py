"""Typed configuration of a run, and its JSON form in the work folder."""

import dataclasses
import types
import typing
from typing import Any

from datasets.pipeline import DataConfig
from launch.runs.models import Architecture
from recog.mesh import MeshConfig
from recog.models.crnn import CRNNConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


@dataclasses.dataclass
class AlphabetConfig:
    """Alphabet of tokens, given by exactly one of name, file and tokens."""

    name: str = ""
    """Name of a preset: ``digits``, ``price``, ``arithmetic``, ``latin_36``, ``latin_62``, ``latin_94``,
    ``chinese_plates`` (LPRNet_Pytorch's), ``chinese_plates_65``, ``music_pitches``."""
    file: str = ""
    """Path of a file with one token per line, instead of a preset."""
    tokens: str = ""
    """Characters that are the tokens, instead of a preset."""
    separator: str = ""
    """Separator of tokens in labels, for tokens longer than one character."""
    blank: str = "first"
    """Position of the blank's id, ``first`` or ``last``, for a file or characters; presets define their own."""


@dataclasses.dataclass
class Config:
    """Configuration of a run; every field can be set by a flag such as ``--config.model.recurrent.layers=3``."""

    alphabet: AlphabetConfig = dataclasses.field(default_factory=AlphabetConfig)
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    model: Architecture = dataclasses.field(default_factory=CRNNConfig)
    augment: AugmentConfig = dataclasses.field(default_factory=AugmentConfig)
    optimizer: OptimizerConfig = dataclasses.field(default_factory=OptimizerConfig)
    train: LoopConfig = dataclasses.field(default_factory=LoopConfig)
    mesh: MeshConfig = dataclasses.field(default_factory=MeshConfig)
    classes: tuple[str, ...] = ()
    """Class names, for classifiers."""
    init_from: str = ""
    """Model with the initial parameters: the work folder of a run or of imported weights, an artifact, or ``zoo:NAME``;
    empty for random ones. Its alphabet or classes may differ: what belongs to tokens or class names that both have is
    taken, whatever their order. ``{fold}`` and ``{seed}`` in it stand for those of each cell in ``launch.ablate``."""
    seed: int = 0
    """Seed of initial parameters, augmentation and dropout; of the sample order unless ``data.order_seed`` is set."""

    def stacked(self) -> "Config":
        """Configuration of each run in a program of several runs."""
        return dataclasses.replace(self, model=self.model.stacked())


def to_json(value: Any) -> Any:
    """Converts dataclasses to objects that name their type, and tuples to lists."""
    if dataclasses.is_dataclass(value):
        fields = {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    return [to_json(item) for item in value] if isinstance(value, tuple) else value


def from_json(kind: Any, saved: Any) -> Any:
    """Converts the output of `to_json`, possibly of an earlier version, to a value of type ``kind``.

    Fields that the earlier version lacks get their defaults, which must therefore preserve its behaviour.

    Raises:
      ValueError: the saved object has another type, or fields that this version does not know.
    """
    if isinstance(kind, types.UnionType):
        kinds = {kind.__name__: kind for kind in typing.get_args(kind)}
        kind = kinds.get(saved.get("type") if isinstance(saved, dict) else None, typing.get_args(kind)[0])
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        return _with_tuples(saved)
    fields = typing.get_type_hints(kind)
    if not (isinstance(saved, dict) and "type" in saved):
        raise ValueError(f"the saved configuration holds {saved!r:.80} instead of a {kind.__name__}: it is damaged")
    given = {name: value for name, value in saved.items() if name != "type"}
    needed = {field.name for field in dataclasses.fields(kind) if _must_be_saved(field, fields[field.name])}
    if saved["type"] != kind.__name__ or given.keys() - fields.keys() or needed - given.keys():
        odd = sorted((given.keys() - fields.keys()) | (needed - given.keys()))
        raise ValueError(f"saved {saved['type']} does not fit this version's {kind.__name__}: fields {odd} differ")
    return kind(**{name: from_json(fields[name], value) for name, value in given.items()})


def _with_tuples(saved: Any) -> Any:
    """Nested lists of JSON as the tuples that they were."""
    return tuple(map(_with_tuples, saved)) if isinstance(saved, list) else saved


def _must_be_saved(field: dataclasses.Field, kind: Any) -> bool:
    """Whether a field has no default that can replace a missing value, such as the type of the model."""
    return isinstance(kind, types.UnionType) or (field.default is field.default_factory is dataclasses.MISSING)


def differences(ours: Any, theirs: Any, path: str = "config") -> list[str]:
    """Differences of two JSON forms, one line per field."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        names = list(dict.fromkeys([*ours, *theirs]))
        return [line for n in names for line in differences(ours.get(n), theirs.get(n), f"{path}.{n}")]
    return [] if ours == theirs else [f"{path}: {ours!r} now, {theirs!r} in the run"]
