"""Command lines of entry points in this process, which costs no start of an interpreter."""

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from absl import flags

from launch import train
from launch.runs import entry
from launch.runs.config import to_json


@contextlib.contextmanager
def parsed(module: ModuleType, *arguments: str) -> Iterator[flags.FlagValues]:
    """Defines the entry point's flags and parses the arguments; removes the flags again at the end.

    Raises:
      SystemExit: holds what is said of a mistake.
    """
    values, before = flags.FLAGS, set(flags.FLAGS)
    argv, sys.argv = sys.argv, [module.__name__, *arguments]  # configuration flags look for overrides there
    try:
        module.define_flags()
        entry.parse_arguments(sys.argv)
        yield values
    finally:
        sys.argv = argv
        values.remove_flag_values([name for name in values if name not in before])
        values.unparse_flags()
        values(["test"])


def run_main(module: ModuleType, *arguments: str) -> None:
    """Calls an entry point's ``main`` as the command line with these flags does."""
    with parsed(module, *arguments):
        module.main([module.__name__])


def parse(*arguments: str) -> Any:
    """The configuration that ``python -m launch.train`` reads from its arguments, for JSON."""
    with parsed(train, "--workdir=x", *arguments) as values:
        return to_json(values.config)
