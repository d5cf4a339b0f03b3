"""Lines of a label file, one at a time: such files have up to seven million."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from datasets.sources import BadSampleError


class Line(NamedTuple):
    """A line and its place."""

    number: int
    """Counted from 1."""
    text: str
    """Without its end, which is LF or CRLF."""
    place: str
    """For messages: ``labels.txt:7``."""


def read_lines(root: Path, file: str) -> Iterator[Line | BadSampleError]:
    """The lines of a UTF-8 file that are not blank; a byte order mark is passed over.

    Args:
      root: folder of the set.
      file: path below it; messages name it.
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
