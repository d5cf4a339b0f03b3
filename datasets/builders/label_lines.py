"""Lines of a label file, loaded one at a time: label files have up to seven million lines."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from datasets.sources import BadSampleError


class Line(NamedTuple):
    """A line and its place."""

    number: int
    """Line number, counted from 1."""
    text: str
    """Text of the line without LF or CRLF."""
    place: str
    """File and line number, for messages: ``labels.txt:7``."""


def load_lines(root: Path, file: str) -> Iterator[Line | BadSampleError]:
    """Loads the lines of a UTF-8 file; blank lines and a byte order mark are ignored.

    Args:
      root: folder of the set.
      file: path relative to ``root``; messages name it.
    """
    with (root / file).open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if not line.strip():
                continue
            place = f"{file}:{number}"
            try:
                yield Line(number, line.decode().removesuffix("\n").removesuffix("\r"), place)
            except UnicodeDecodeError:
                yield BadSampleError(place, f"{line!r} is not UTF-8: save the file as UTF-8")
