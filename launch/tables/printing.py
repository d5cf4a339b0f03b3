"""Pages of tables as Markdown, CSV and LaTeX."""

import csv
import io
import re
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from launch.ablation.tables import DASH, Table, escape_markdown, latex, markdown

FORMATS = ("markdown", "csv", "latex")
CJK = (
    "% The table holds Chinese, Japanese or Korean characters: compile it with XeLaTeX or LuaLaTeX and a font that has "
    "them (package ctex)."
)


class Note(NamedTuple):
    """A remark below a table."""

    text: str
    command: str = ""
    """Command line that the remark asks for, if any."""


class Page(NamedTuple):
    """A table with its title and remarks."""

    title: str
    table: Table
    notes: tuple[Note, ...] = ()


def write_pages(pages: Sequence[Page], form: str, out: str | Path = "") -> None:
    """Writes pages to a file, or to the standard output.

    Remarks of CSV tables, which have no place in the file, go to the standard error.

    Args:
      pages: tables, with a blank line between them.
      form: one of `FORMATS`.
      out: file to write; empty prints.
    """
    write = {"markdown": _markdown, "csv": _csv, "latex": _latex}[form]
    text = "\n".join(map(write, pages))
    if form == "csv":
        for page in pages:
            print("\n".join([page.title, *map(_plain, page.notes)]), file=sys.stderr)
    if out:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def _markdown(page: Page) -> str:
    lines = [f"- {escape_markdown(note.text)}{_code(note.command)}\n" for note in page.notes]
    return f"**{escape_markdown(page.title)}**\n\n{markdown(page.table)}" + "".join(["\n", *lines] if lines else [])


def _code(command: str) -> str:
    fence = "`" * (1 + max(map(len, re.findall("`+", command)), default=0))
    return f": {fence}{command}{fence}" if command else ""


def _csv(page: Page) -> str:
    """Cells without a figure are empty."""
    text = io.StringIO()
    rows = [page.table.titles, *page.table.lines]
    csv.writer(text, lineterminator="\n").writerows([["" if cell == DASH else cell for cell in row] for row in rows])
    return text.getvalue()


def _latex(page: Page) -> str:
    text = latex(page.table)
    comments = [page.title, *map(_plain, page.notes)]
    warning = f"{CJK}\n" if any(unicodedata.east_asian_width(c) in "WF" for c in text) else ""
    return "".join(f"% {comment}\n" for comment in comments) + warning + text


def _plain(note: Note) -> str:
    return f"{note.text}: {note.command}" if note.command else note.text
