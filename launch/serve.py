"""Serves exported artifacts over HTTP: the command ``recog-serve`` (`recog.cli.serve`) from a checkout."""

from recog.cli import entry, serve
from recog.cli.serve import define_flags, main

if __name__ == "__main__":
    __doc__ = serve.__doc__  # --help shows it
    define_flags()
    entry.run(main)
