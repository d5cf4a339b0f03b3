"""Sources by the text that flags and configurations name them with."""

import dataclasses
import os
import re
from pathlib import Path

from datasets.sources import Folder, Source
from datasets.synthetic.arithmetic import Arithmetic, ArithmeticConfig

FORMS = "folder:PATH, arithmetic:count=1000,seed=7"


def open_source(spec: str) -> Source:
    """Opens ``folder:PATH`` (environment variables are expanded) or ``arithmetic:count=...,seed=...``.

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
            return Arithmetic(_settings(ArithmeticConfig(), rest))
        case _:
            raise ValueError(f"{spec!r} names no source of samples: use one of {FORMS}")


def _expand(path: str) -> str:
    expanded = str(Path(os.path.expandvars(path)).expanduser())
    if unset := re.search(r"\$\{?(\w+)", expanded):
        raise ValueError(f"folder:{path}: set the environment variable {unset[1]} to where the pictures are")
    return expanded


def _settings(config: ArithmeticConfig, text: str) -> ArithmeticConfig:
    known = {field.name: type(getattr(config, field.name)) for field in dataclasses.fields(config)}
    for item in filter(None, text.split(",")):
        name, _, value = (part.strip() for part in item.partition("="))
        if name not in known:
            raise ValueError(f"{name!r} is no setting of rendered samples: there are {', '.join(known)}")
        try:
            setattr(config, name, known[name](value))
        except ValueError:
            kind = "a whole number" if known[name] is int else "a number"
            raise ValueError(f"arithmetic:{text}: {name}={value!r} is not {kind}") from None
    return config
