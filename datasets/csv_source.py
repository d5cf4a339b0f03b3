"""Samples listed in a CSV file; its columns are ``image_path`` and ``plate_text``, as of fast-plate-ocr, or named."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from datasets.label_files import find_picture
from datasets.sources import BadSampleError, Sample, load_picture

PATH, TEXT = "image_path", "plate_text"


class Columns(NamedTuple):
    """Names of the columns that are read."""

    path: str = PATH
    text: str = TEXT


class Row(NamedTuple):
    """One record of the file."""

    lines: str
    """Line number counted from 1, or ``FIRST-LAST`` for a record of several lines."""
    path: str = ""
    text: str = ""
    problem: str = ""
    """Reason why the record cannot be used; empty for a valid one."""


class CsvFile:
    """A CSV file in UTF-8 with a header; other columns are ignored, paths are relative to the file's folder.

    Fields are quoted as usual in CSV: ``"a,b"`` is one field, ``""`` within it a quote. Blank lines and a byte order
    mark are ignored. Backslashes in a path separate folders if no file's name has them.

    Raises:
      FileNotFoundError: the file does not exist.
      ValueError: the header does not name both columns.
    """

    def __init__(self, file: str | Path, columns: Columns = Columns()):  # noqa: B008 (it is immutable)
        self.file = Path(file)
        if not self.file.is_file():
            raise FileNotFoundError(f"{self.file} does not exist: name a CSV file with the columns {','.join(columns)}")
        # Surrogates keep bytes that are not UTF-8, so that the error can be reported for the row that holds them.
        with self.file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            self._rows = list(_parse_rows(csv.reader(lines, strict=True), self.file, columns))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        row, origin = self._rows[index], self.origin(index)
        if row.problem:
            raise BadSampleError(origin, row.problem)
        return Sample(load_picture(find_picture(self.file.parent, row.path), origin), row.text, origin)

    def origin(self, index: int) -> str:
        """File and line of a row, and the picture's path."""
        row = self._rows[index]
        return f"{self.file}:{row.lines} ({row.path})" if row.path else f"{self.file}:{row.lines}"

    def key(self, index: int) -> bytes:
        """Sample key that does not depend on the order of rows: the picture's path, in UTF-8."""
        return self._rows[index].path.encode()


def _parse_rows(reader, file: Path, columns: Columns) -> Iterator[Row]:
    """Parses the records after the header.

    A record with an unclosed quote extends to the next quote or to the end of the file. It may swallow other records,
    so its first and last line are reported.
    """
    header = None
    while True:
        first = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            fields = error
        lines = str(first) if reader.line_num <= first else f"{first}-{reader.line_num}"
        if fields == []:
            continue
        if header is None:
            header = _parse_header(fields, file, lines, columns)
        else:
            yield _parse_row(fields, header, lines, columns)
    if header is None:
        raise ValueError(f"{file} is empty: begin it with the line {','.join(columns)}")


def _parse_header(fields: list[str] | csv.Error, file: Path, lines: str, columns: Columns) -> list[str]:
    place = f"{file}:{lines}"
    if isinstance(fields, csv.Error):
        raise ValueError(f"{place}: {fields}: begin the file with the line {','.join(columns)}")
    header = [field.strip() for field in fields]
    if any(header.count(name) != 1 for name in columns):
        raise ValueError(
            f"{place}: found the columns {header!a}: expected one {columns.path} and one {columns.text}, in UTF-8; "
            f"{_mend(header, file)}"
        )
    return header


def _mend(header: list[str], file: Path) -> str:
    """Advice for a file without the columns: the separator, or a data source that names its columns."""
    if len(header) == 1 and (found := re.search("[;\t|]", header[0])):
        return f"separate the columns by commas instead of {found[0]!r}"
    path, text = header if len(header) == 2 else ("COLUMN", "COLUMN")
    return f"name the columns in the data source, csv:{file}:path={path},text={text}, or add a header line"


def _parse_row(fields: list[str] | csv.Error, header: list[str], lines: str, columns: Columns) -> Row:
    if isinstance(fields, csv.Error):
        return Row(lines, problem=f"not valid CSV ({fields}): look for a quote that is not closed or not doubled")
    if len(fields) != len(header):
        reason = f"has {len(fields)} fields, the header has {len(header)}: put quotes around a field with a comma"
        return Row(lines, problem=reason)
    row = dict(zip(header, fields, strict=True))
    path, text = row[columns.path], row[columns.text]
    if not path:
        return Row(lines, problem=f"{columns.path} is empty: give the path of a picture or drop the row")
    try:
        (path + text).encode()
    except UnicodeEncodeError:
        return Row(lines, problem=f"{path!a}, {text!a} is not UTF-8: save the file as UTF-8")
    return Row(lines, path, text)
