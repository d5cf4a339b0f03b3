"""Pictures with boxes listed in ``boxes.tsv``, one object per row, with the four corners of each.

    file<TAB>text<TAB>x0,y0 x1,y1 x2,y2 x3,y3[<TAB>class]

Corners are in pixels of the upright picture (turned by its Exif orientation), clockwise from the top left of the object
itself; corners that begin elsewhere or run anti-clockwise are reordered, so that the top side is nearest to the
horizontal. They may also be separated by tabs. The text may be empty, and the class is ``plate`` unless it is given. A
row with only a file is a picture without objects.
"""

import functools
import io
import os
import re
from array import array
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from datasets.label_files import find_picture, is_header, lines_of
from datasets.quadrilaterals import in_order
from datasets.sources import LONGEST_PATH, TAB, BadSampleError, Sample, load_picture
from datasets.synthetic.scenes import PLATE
from recog.codecs import BoxLabel, LabelledBox
from recog.unknown_tokens import shortened

NAME = "boxes.tsv"
"""File that a folder of samples holds."""
FORM = "file<TAB>text<TAB>x0,y0 x1,y1 x2,y2 x3,y3[<TAB>class]"

_PAIR = re.compile(r"\s*[^\s,]+,[^\s,]+\s*")
"""One corner."""


class Boxes:
    """A folder with ``boxes.tsv``, or such a file by its name, in UTF-8; see the module for its form.

    Rows of one file are one sample; samples are sorted by their first rows. Paths are relative to the file's folder.
    Lines end with LF, CRLF or CR; blank lines, a byte order mark and a header line are ignored. Backslashes in a path
    separate folders if no file's name has them.

    Raises:
      FileNotFoundError: no such folder or file, or no ``boxes.tsv`` in the folder.
      ValueError: the file holds no rows, or no tabs.
    """

    def __init__(self, path: str | Path):
        path = Path(path)
        self.folder, self.file = (path.parent, path) if path.is_file() else (path, path / NAME)
        if not self.file.is_file():
            raise FileNotFoundError(_missing(path))
        # Each worker process has a copy of all rows, so they are kept in a few compact objects.
        with self.file.open("rb") as file:
            self._content = b"\n".join(lines_of(file))
        rows = _rows(self._content)
        if len(rows) > 1 and is_header(self.folder, *(os.fsdecode(path) for _, _, path in rows[:2])):
            del rows[0]
        if not rows:
            raise ValueError(f"{self.file} holds no rows: write one {FORM} per line")
        if TAB not in self._content and not os.path.isfile(self.folder / os.fsdecode(rows[0][2])):  # noqa: PTH113 (never raises)
            raise ValueError(
                f"{self.file}:{rows[0][0]} names no picture, and no row has a tab: write one {FORM} per line"
            )
        pictures: dict[bytes, int] = {}
        of_rows = np.array([pictures.setdefault(path, len(pictures)) for _, _, path in rows])
        order = np.argsort(of_rows, kind="stable")
        self._numbers = array("q", [rows[row][0] for row in order])
        self._starts = array("q", [rows[row][1] for row in order])
        self._first = array("q", np.searchsorted(of_rows[order], np.arange(len(pictures) + 1)).tolist())

    def __len__(self) -> int:
        return len(self._first) - 1

    def __getitem__(self, index: int) -> Sample:
        index = range(len(self))[index]
        rows = range(self._first[index], self._first[index + 1])
        boxes = [box for row in rows if (box := self._box(row))]
        origin, path = self.origin(index), self._line(rows[0]).partition(TAB)[0].decode()
        return Sample(load_picture(find_picture(self.folder, path), origin), BoxLabel(tuple(boxes)), origin)

    def origin(self, index: int) -> str:
        """File and line of a sample's first row, and the picture's path."""
        return self._origin(self._first[range(len(self))[index]])

    def key(self, index: int) -> bytes:
        """Key of a sample: its path in UTF-8, which does not depend on the order of the rows."""
        return self._line(self._first[range(len(self))[index]]).partition(TAB)[0]

    def group(self, index: int) -> bytes:
        """A text in UTF-8 that stands for all pictures with a text in common, directly or by way of others.

        They may show one scene, and stay on one side of a split. A picture without texts has its key.
        """
        index = range(len(self))[index]
        texts = self._texts(index)
        return self._groups[texts[0]] if texts else self.key(index)

    @functools.cached_property
    def _groups(self) -> dict[bytes, bytes]:
        """Smallest text of its group, by text."""
        leaders: dict[bytes, bytes] = {}

        def leader(text: bytes) -> bytes:
            while leaders.setdefault(text, text) != text:
                text = leaders[text]
            return text

        for index in range(len(self)):
            if texts := self._texts(index):
                together = {leader(text) for text in texts}
                leaders |= dict.fromkeys(together, min(together))
        return {text: leader(text) for text in leaders}

    def _texts(self, index: int) -> list[bytes]:
        fields = [self._line(row).split(TAB) for row in range(self._first[index], self._first[index + 1])]
        return [row[1] for row in fields if len(row) > 1 and row[1]]

    def _line(self, row: int) -> bytes:
        start = self._starts[row]
        end = self._content.find(b"\n", start)
        return self._content[start : end if end >= 0 else None]

    def _origin(self, row: int) -> str:
        path = self._line(row).partition(TAB)[0].decode(errors="replace")
        return f"{self.file}:{self._numbers[row]} ({path[:LONGEST_PATH]}{'...' * (len(path) > LONGEST_PATH)})"

    def _box(self, row: int) -> LabelledBox | None:
        """Parses a row; None if it holds only a file. Raises `BadSampleError`."""
        try:
            path, *fields = self._line(row).decode().rstrip("\t").split("\t")
        except UnicodeDecodeError as error:
            raise BadSampleError(self._origin(row), "the row is not UTF-8: save the file as UTF-8") from error
        if not path:
            raise BadSampleError(self._origin(row), f"the row does not begin with a file: write {FORM}")
        if not fields:
            return None
        try:
            return _parse_box(fields)
        except ValueError as error:
            raise BadSampleError(self._origin(row), str(error)) from error


def _rows(content: bytes) -> list[tuple[int, int, bytes]]:
    """Number, start and path of each line that is not blank."""
    rows, start = [], 0
    for number, line in enumerate(io.BytesIO(content), 1):
        if line.strip():
            rows.append((number, start, line.rstrip(b"\n").partition(TAB)[0]))
        start += len(line)
    return rows


def _parse_box(fields: list[str]) -> LabelledBox:
    """Parses the fields after the file; raises ``ValueError``."""
    text, *rest = fields
    if rest and len(rest[0].split()) > 1:  # all corners in one field
        pairs, rest = rest[0].split(), rest[1:]
    else:
        count = next((place for place, field in enumerate(rest) if not _PAIR.fullmatch(field)), len(rest))
        pairs, rest = rest[:count], rest[count:]
    if len(pairs) != 4:
        raise ValueError(f"has {len(pairs)} corners instead of 4: write {FORM}")
    if len(rest) > 1:
        raise ValueError(f"has {len(rest) - 1} fields after the class, such as {shortened(rest[1])}: write {FORM}")
    corners = in_order(np.stack([_parse_corner(pair) for pair in pairs]))
    name = rest[0].strip() if rest else ""
    return LabelledBox(corners, name or PLATE, text)


def _parse_corner(pair: str) -> Float32[np.ndarray, " 2"]:
    try:
        x, y = map(float, pair.split(","))
    except ValueError:
        raise ValueError(f"{shortened(pair)} is not a corner x,y in numbers: write {FORM}") from None
    return np.array([x, y], np.float32)


def _missing(path: Path) -> str:
    """Message for a folder without ``boxes.tsv``, or for one that does not exist, with the files that may be meant."""
    expected = f"{path / NAME} does not exist: a folder of pictures with boxes holds {NAME} with one {FORM} per line"
    found = sorted(path.glob("[!.]*.tsv")) if path.is_dir() else []
    if not found:
        return expected
    return f"{expected}; if another file holds the boxes, name it: {' or '.join(f'boxes:{x}' for x in found[:3])}"
