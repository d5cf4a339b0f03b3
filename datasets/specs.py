"""Sources by the text that flags and configurations name them with."""

import dataclasses
import os
import re

from datasets.sources import Folder, Source
from datasets.synthetic.arithmetic import Arithmetic, ArithmeticConfig

FORMS = "folder:PATH, arithmetic:count=1000,seed=7"


def open_source(spec: str) -> Source:
    """Opens ``folder:PATH`` (environment variables are expanded) or ``arithmetic:count=...,seed=...``.

    Raises:
      ValueError: the text names no source, an unknown setting, or an environment variable that is not set.
      FileNotFoundError: the folder does not exist or holds no ``labels.tsv``.
    """
    kind, _, rest = spec.partition(":")
    match kind:
        case "folder":
            return Folder(_expand(rest))
        case "arithmetic":
            return Arithmetic(_settings(ArithmeticConfig(), rest))
        case _:
            raise ValueError(f"{spec!r} names no source of samples: use one of {FORMS}")


def _expand(path: str) -> str:
    expanded = os.path.expanduser(os.path.expandvars(path))
    if unset := re.search(r"\$\{?(\w+)", expanded):
        raise ValueError(f"folder:{path}: set the environment variable {unset[1]} to where the pictures are")
    return expanded


def _settings(config: ArithmeticConfig, text: str) -> ArithmeticConfig:
    known = {field.name: type(getattr(config, field.name)) for field in dataclasses.fields(config)}
    for item in filter(None, text.split(",")):
        name, _, value = item.partition("=")
        if known.get(name) not in (int, float):
            raise ValueError(f"{name!r} is no setting of rendered samples; there are {', '.join(known)}")
        setattr(config, name, known[name](value))
    return config
