"""The flag ``--config=FILE``, with plain messages for files that cannot be loaded."""

import difflib
import sys
import traceback
import types
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from launch.runs.config import Config

flags.disclaim_key_flags()  # --help lists them as those of the command

CONFIGS = Path(__file__).parent.parent / "configs"
"""Folder of the configurations that come with the project."""

SHOWN = 3
"""Maximum number of existing files to suggest."""


class ConfigFileError(Exception):
    """A configuration file is missing or cannot be loaded."""


def define_config_flag(text: str) -> None:
    """Defines ``--config``, whose fields are flags such as ``--config.train.steps``.

    Args:
      text: description for ``--help``.
    """
    config_flags.DEFINE_config_file("config", None, text)
    flags.FLAGS["config"].parser = _Parser()


def load_config(path: str) -> Config:
    """Loads a configuration file.

    Args:
      path: the file; what follows a colon is passed to its ``get_config``.

    Raises:
      ConfigFileError: the file is missing, or does not return a configuration; names the file and the reason.
    """
    name, *arguments = path.split(":", 1)
    file = Path(name)
    if not file.is_file():
        raise ConfigFileError(_missing(file))
    try:
        module = _load_module(name)
        if not hasattr(module, "get_config"):
            raise ConfigFileError(f"{name} has no function get_config(): see those in launch/configs/")
        config = module.get_config(*arguments)
    except SyntaxError as error:
        raise ConfigFileError(f"{error.filename or name}, line {error.lineno}, is not Python: {error.msg}") from error
    except ConfigFileError:
        raise
    except Exception as error:
        raise ConfigFileError(f"{_place(error, name)} fails: {type(error).__name__}: {error}") from error
    if not isinstance(config, Config):
        kind = type(config).__name__
        raise ConfigFileError(f"get_config() of {name} returns a {kind}: return a launch.runs.config.Config")
    return config


class _Parser(flags.ArgumentParser):
    """Parser whose errors are a `ConfigFileError`, which the flags library passes on."""

    def parse(self, argument: str) -> Config:
        return load_config(argument)

    def flag_type(self) -> str:
        return "configuration file"


def _load_module(name: str) -> types.ModuleType:
    loader = SourceFileLoader("config_file", name)  # for any suffix
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None, "the loader was given"
    sys.modules[loader.name] = module = module_from_spec(spec)  # dataclasses look for their module
    loader.exec_module(module)
    return module


def _missing(file: Path) -> str:
    """Message that a file does not exist, with the nearest ones of its folder and of the project."""
    if file.is_dir():
        return f"--config={file} is a folder: name a file, such as {_shown(CONFIGS / 'quickstart.py')}"
    found = {path.stem: path for folder in (CONFIGS, file.parent) for path in sorted(folder.glob("*.py"))}
    found.pop("__init__", None)
    near = [_shown(found[stem]) for stem in difflib.get_close_matches(file.stem, found, SHOWN)]
    mend = f"did you mean {' or '.join(near)}?" if near else f"name one of those in {_shown(CONFIGS)}, or your own"
    return f"--config={file} does not exist: {mend}"


def _shown(path: Path) -> str:
    """Path, relative to the current folder if it lies below it."""
    here = Path.cwd()
    return str(path.absolute().relative_to(here) if path.absolute().is_relative_to(here) else path)


def _place(error: Exception, name: str) -> str:
    """The file and the last line of it that led to the error."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    return f"{name}, line {lines[-1]}," if lines else name
