"""Runs an entry point's ``main`` in this process, which costs no start of an interpreter."""

import sys
from types import ModuleType

from absl import flags


def run_main(module: ModuleType, *arguments: str) -> None:
    """Defines the entry point's flags, parses the arguments and calls ``main``; then removes the flags again."""
    values, before = flags.FLAGS, set(flags.FLAGS)
    argv, sys.argv = sys.argv, [module.__name__, *arguments]  # configuration flags look for overrides there
    try:
        module.define_flags()
        module.main(values(sys.argv))
    finally:
        sys.argv = argv
        values.remove_flag_values([name for name in values if name not in before])
        values.unparse_flags()
        values(["test"])
