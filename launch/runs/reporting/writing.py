"""Files of a report."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from launch.runs.reporting.markup import Table, as_json
from launch.runs.reporting.section import Section

PAGE, NUMBERS = "report.html", "report.json"


def write_parts(out: Path, document: Mapping[str, Any], sections: Sequence[Section]) -> None:
    """Writes ``report.json``, a CSV file for each table and a PNG file for each figure; removes an earlier report's."""
    tables = {f"{name}.csv": content for section in sections for name, content in section.tables.items()}
    figures = {f"{name}.png": content for section in sections for name, content in section.figures.items()}
    for name in _parts_of_earlier(out):
        (out / name).unlink(missing_ok=True)
    data = {section.name: section.data for section in sections if section.data is not None}
    parts = {"parts": sorted([*tables, *figures])}
    (out / NUMBERS).write_text(as_json({**document, **data, **parts}) + "\n", encoding="utf-8")
    for name, content in tables.items():
        write_table(out / name, content)
    for name, png in figures.items():
        (out / name).write_bytes(png)


def _parts_of_earlier(out: Path) -> list[str]:
    """Files that the report in this folder names as its parts; none without a report."""
    try:
        parts = json.loads((out / NUMBERS).read_text(encoding="utf-8"))["parts"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in parts if Path(name).name == name and name.endswith((".csv", ".png"))]


def write_table(path: Path, content: Table) -> None:
    """Writes a table without its columns of pictures."""
    shown = [place for place, column in enumerate(content.columns) if not column.pictures]
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # spreadsheets need the mark to see UTF-8
        writer = csv.writer(file)
        writer.writerow([content.columns[place].title for place in shown])
        writer.writerows([_plain(row[place]) for place in shown] for row in content.rows)


def _plain(value: Any) -> Any:
    return "" if value is None else value
