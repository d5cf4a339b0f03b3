"""Reads pictures with exported artifacts: the command ``recog-read`` (`recog.cli.read`) from a checkout."""

from recog.cli import entry, read
from recog.cli.read import define_flags, main

if __name__ == "__main__":
    __doc__ = read.__doc__  # --help shows it
    define_flags()
    entry.run(main, arguments=True)
