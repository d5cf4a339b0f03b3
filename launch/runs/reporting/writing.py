"""Files of a report."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from launch.runs.reporting.markup import Html, Table, as_json
from launch.runs.reporting.section import Section

PAGE, NUMBERS = "report.html", "report.json"


def write_parts(out: Path, document: Mapping[str, Any], sections: Sequence[Section]) -> None:
    """Writes ``report.json``, a CSV file for each table and a PNG file for each figure."""
    data = {section.name: section.data for section in sections if section.data is not None}
    (out / NUMBERS).write_text(as_json({**document, **data}) + "\n", encoding="utf-8")
    for section in sections:
        for name, content in section.tables.items():
            write_table(out / f"{name}.csv", content)
        for name, png in section.figures.items():
            (out / f"{name}.png").write_bytes(png)


def write_table(path: Path, content: Table) -> None:
    """Writes a table without the columns that only people can use."""
    shown = [
        place
        for place in range(len(content.columns))
        if not any(isinstance(row[place], Html) and "<img" in row[place] for row in content.rows)
    ]
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # spreadsheets need the mark to see UTF-8
        writer = csv.writer(file)
        writer.writerow([content.columns[place].title for place in shown])
        writer.writerows([_plain(row[place]) for place in shown] for row in content.rows)


def _plain(value: Any) -> Any:
    return "" if value is None else value
