"""Samples listed in a CSV file with the columns ``image_path`` and ``plate_text``, the format of fast-plate-ocr."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from datasets.sources import BadSampleError, Sample, load_picture

PATH, TEXT = "image_path", "plate_text"


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
    mark are ignored.

    Raises:
      FileNotFoundError: the file does not exist.
      ValueError: the header does not name both columns.
    """

    def __init__(self, file: str | Path):
        self.file = Path(file)
        if not self.file.is_file():
            raise FileNotFoundError(f"{self.file} does not exist: name a CSV file with the columns {PATH},{TEXT}")
        # Surrogates keep bytes that are not UTF-8, so that the error can be reported for the row that holds them.
        with self.file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            self._rows = list(_parse_rows(csv.reader(lines, strict=True), self.file))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        row, origin = self._rows[index], self.origin(index)
        if row.problem:
            raise BadSampleError(origin, row.problem)
        return Sample(load_picture(self.file.parent / row.path, origin), row.text, origin)

    def origin(self, index: int) -> str:
        """File and line of a row, and the picture's path."""
        row = self._rows[index]
        return f"{self.file}:{row.lines} ({row.path})" if row.path else f"{self.file}:{row.lines}"

    def key(self, index: int) -> bytes:
        """Sample key that does not depend on the order of rows: the picture's path, in UTF-8."""
        return self._rows[index].path.encode()


def _parse_rows(reader, file: Path) -> Iterator[Row]:
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
            header = _parse_header(fields, f"{file}:{lines}")
        else:
            yield _parse_row(fields, header, lines)
    if header is None:
        raise ValueError(f"{file} is empty: begin it with the line {PATH},{TEXT}")


def _parse_header(fields: list[str] | csv.Error, place: str) -> list[str]:
    if isinstance(fields, csv.Error):
        raise ValueError(f"{place}: {fields}: begin the file with the line {PATH},{TEXT}")
    header = [field.strip() for field in fields]
    if header.count(PATH) != 1 or header.count(TEXT) != 1:
        raise ValueError(f"{place}: found the columns {header!a}: expected one {PATH} and one {TEXT}, in UTF-8")
    return header


def _parse_row(fields: list[str] | csv.Error, header: list[str], lines: str) -> Row:
    if isinstance(fields, csv.Error):
        return Row(lines, problem=f"not valid CSV ({fields}): look for a quote that is not closed or not doubled")
    if len(fields) != len(header):
        reason = f"has {len(fields)} fields, the header has {len(header)}: put quotes around a field with a comma"
        return Row(lines, problem=reason)
    row = dict(zip(header, fields, strict=True))
    if not row[PATH]:
        return Row(lines, problem=f"{PATH} is empty: give the path of a picture or drop the row")
    try:
        (row[PATH] + row[TEXT]).encode()
    except UnicodeEncodeError:
        return Row(lines, problem=f"{row[PATH]!a}, {row[TEXT]!a} is not UTF-8: save the file as UTF-8")
    return Row(lines, row[PATH], row[TEXT])
