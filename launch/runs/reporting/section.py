"""A part of a report: its text for people, with its numbers, tables and figures as files."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from launch.runs.reporting.markup import Html, Table


@dataclasses.dataclass
class Section:
    """One heading of a report."""

    name: str
    """Name in the page's address and in ``report.json``."""
    title: str
    body: Html
    data: Any = None
    """Numbers for ``report.json``; None for a section of pictures."""
    tables: dict[str, Table] = dataclasses.field(default_factory=dict)
    """Tables by the names of their CSV files, without the ending."""
    figures: dict[str, bytes] = dataclasses.field(default_factory=dict)
    """PNG files by name, without the ending."""
    brief: Sequence[object] = ()
    """Sentences for the top of the page, text or `Html`."""
