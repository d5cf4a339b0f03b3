"""Named studies: a configuration and its axes; each file of ``launch/studies`` has a ``get_study()``."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, NamedTuple

import launch.studies
from launch.ablation.grid import Axis, Level


class Study(NamedTuple):
    """A published experiment."""

    config: str
    """A file's name under ``launch/configs``, without ``.py``."""
    axes: tuple[Axis, ...]
    settings: Mapping[str, Any] = {}
    """Fields in which all its runs differ from the configuration, and their values."""


def sweep(name: str, path: str, *values: Any) -> Axis:
    """Returns the axis along which one field takes these values."""
    return Axis(name, tuple(Level(str(value).lower(), {path: value}) for value in values))


def study_names() -> list[str]:
    """Returns the names of all files in ``launch/studies``."""
    return sorted(module.name for module in pkgutil.iter_modules(launch.studies.__path__))


def load_study(name: str) -> Study:
    """Loads a study by its name.

    Raises:
      ValueError: no study has this name.
    """
    if name not in study_names():
        raise ValueError(f"--study={name}: choose among {', '.join(study_names())}")
    return importlib.import_module(f"launch.studies.{name}").get_study()
