"""Command lines of entry points in this process, which costs no start of an interpreter."""

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType

from absl import flags


@contextlib.contextmanager
def parsed(module: ModuleType, *arguments: str) -> Iterator[flags.FlagValues]:
    """Defines the entry point's flags and parses the arguments; removes the flags again at the end."""
    values, before = flags.FLAGS, set(flags.FLAGS)
    argv, sys.argv = sys.argv, [module.__name__, *arguments]  # configuration flags look for overrides there
    try:
        module.define_flags()
        values(sys.argv)
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
