"""Sources by the text that flags and configurations name them with."""

import dataclasses
import os
import re
from pathlib import Path
from typing import TypeVar

from datasets.sources import Folder, Source
from datasets.synthetic.arithmetic import Arithmetic, ArithmeticConfig
from datasets.synthetic.plates import Plates, PlatesConfig

FORMS = "folder:PATH, arithmetic:count=1000,seed=7, plates:count=1000,seed=7"
KINDS = {int: "a whole number", float: "a number"}

Settings = TypeVar("Settings", ArithmeticConfig, PlatesConfig)


def open_source(spec: str) -> Source:
    """Opens ``folder:PATH`` (environment variables are expanded) or a renderer, ``plates:count=...,seed=...``.

    Raises:
      ValueError: the text names no source, an unknown setting, a value that is no number of the setting's kind, or an
        environment variable that is not set.
      FileNotFoundError: the folder does not exist or holds no ``labels.tsv``.
    """
    kind, _, rest = spec.partition(":")
    match kind:
        case "folder":
            return Folder(_expand(rest))
        case "arithmetic":
            return Arithmetic(_settings(ArithmeticConfig(), spec))
        case "plates":
            return Plates(_settings(PlatesConfig(), spec))
        case _:
            raise ValueError(f"{spec!r} names no source of samples: use one of {FORMS}")


def _expand(path: str) -> str:
    expanded = str(Path(os.path.expandvars(path)).expanduser())
    if unset := re.search(r"\$\{?(\w+)", expanded):
        raise ValueError(f"folder:{path}: set the environment variable {unset[1]} to where the pictures are")
    return expanded


def _settings(config: Settings, spec: str) -> Settings:
    """Sets what stands behind the colon, ``name=value`` between commas."""
    kind, _, text = spec.partition(":")
    known = {field.name: type(getattr(config, field.name)) for field in dataclasses.fields(config)}
    for item in filter(None, text.split(",")):
        name, _, value = (part.strip() for part in item.partition("="))
        if name not in known:
            raise ValueError(f"{name!r} is no setting of rendered {kind}: there are {', '.join(known)}")
        try:
            setattr(config, name, known[name](value))
        except ValueError:
            raise ValueError(f"{spec}: {name}={value!r} is not {KINDS[known[name]]}") from None
    return config
