"""Samples listed in a CSV file with the columns ``image_path`` and ``plate_text``, as fast-plate-ocr has it."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from datasets.sources import BadSampleError, Sample, read_picture

PATH, TEXT = "image_path", "plate_text"


class Row(NamedTuple):
    """One record of the file."""

    lines: str
    """Its line, or first and last one."""
    path: str = ""
    text: str = ""
    problem: str = ""
    """Why it is no sample; empty for a good one."""


class CsvFile:
    """A CSV file in UTF-8 with a header; other columns are passed over, paths are relative to the file's folder.

    Quotes are those of CSV: ``"a,b"`` is one field, ``""`` within it a quote. Blank lines and a byte order mark are
    passed over.

    Raises:
      FileNotFoundError: no such file.
      ValueError: its header does not name both columns.
    """

    def __init__(self, file: str | Path):
        self.file = Path(file)
        if not self.file.is_file():
            raise FileNotFoundError(f"{self.file} does not exist: name a CSV file with the columns {PATH},{TEXT}")
        # What is not UTF-8 is kept as surrogates and met in its own row.
        with self.file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            self._rows = list(_read_rows(csv.reader(lines, strict=True), self.file))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        row, origin = self._rows[index], self.origin(index)
        if row.problem:
            raise BadSampleError(origin, row.problem)
        return Sample(read_picture(self.file.parent / row.path, origin), row.text, origin)

    def origin(self, index: int) -> str:
        """File and line of a row, and the picture's path."""
        row = self._rows[index]
        return f"{self.file}:{row.lines} ({row.path})" if row.path else f"{self.file}:{row.lines}"

    def key(self, index: int) -> bytes:
        """What names a sample however the file is sorted: its path, in UTF-8."""
        return self._rows[index].path.encode()


def _read_rows(reader, file: Path) -> Iterator[Row]:
    """The records after the header. One that breaks the rules of CSV ends where its quote does, or the file: it may
    hide others, and tells its first and last line.
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
            header = _check_header(fields, f"{file}:{lines}")
        else:
            yield _to_row(fields, header, lines)
    if header is None:
        raise ValueError(f"{file} is empty: begin it with the line {PATH},{TEXT}")


def _check_header(fields: list[str] | csv.Error, place: str) -> list[str]:
    if isinstance(fields, csv.Error):
        raise ValueError(f"{place}: {fields}: begin the file with the line {PATH},{TEXT}")
    header = [field.strip() for field in fields]
    if header.count(PATH) != 1 or header.count(TEXT) != 1:
        raise ValueError(f"{place}: the columns are {header!a}: name one {PATH} and one {TEXT}, in UTF-8")
    return header


def _to_row(fields: list[str] | csv.Error, header: list[str], lines: str) -> Row:
    if isinstance(fields, csv.Error):
        return Row(lines, problem=f"is no CSV ({fields}): look for a quote that is not closed or not doubled")
    if len(fields) != len(header):
        reason = f"has {len(fields)} fields, the header {len(header)}: put quotes around a field with a comma"
        return Row(lines, problem=reason)
    row = dict(zip(header, fields, strict=True))
    if not row[PATH]:
        return Row(lines, problem=f"has no {PATH}")
    try:
        (row[PATH] + row[TEXT]).encode()
    except UnicodeEncodeError:
        return Row(lines, problem=f"{row[PATH]!a}, {row[TEXT]!a} is not UTF-8: save the file as UTF-8")
    return Row(lines, row[PATH], row[TEXT])
