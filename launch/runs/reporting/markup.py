"""HTML of reports: elements whose text is escaped, tables, and the page around them."""

import html
import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent
VOID = ("img", "meta", "link", "br")
"""Elements without content."""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""Content security policy of the page, which loads nothing."""


class Html(str):
    """Markup; any other string is text, and is escaped."""

    __slots__ = ()


def tag(element: str, *children: object, **attributes: object) -> Html:
    """An element with its children; attributes that are None or False are left out.

    A trailing underscore of an attribute's name is left out, other underscores become hyphens: ``class_``, ``data_x``.
    """
    given = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(str(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if element in VOID:
        return Html(f"<{element}{given}>")
    return Html(f"<{element}{given}>{joined(children)}</{element}>")


def joined(children: Iterable[object]) -> Html:
    """Children one after the other, text escaped."""
    return Html("".join(child if isinstance(child, Html) else html.escape(str(child)) for child in children))


def text(value: str) -> Html:
    """Text of samples, isolated so that its direction does not reorder what is around it."""
    return tag("bdi", value) if value else tag("span", "(empty)", class_="quiet")


def visible(token: object) -> str:
    """A token for people, with the name of a white space instead of itself."""
    name = str(token)
    return name if name.strip() or len(name) != 1 else unicodedata.name(name, repr(name)).lower()


class Column(NamedTuple):
    """Column of a table."""

    title: str
    shown: Callable[[Any], object] = str
    """Presentation of its values for people; the CSV file has the values themselves."""
    number: bool = False
    """Whether values are numbers, which are aligned on the right."""
    words: bool = False
    """Whether values are sentences, which are broken into lines."""
    pictures: bool = False
    """Whether values are `Html` of pictures, for people alone: missing in the CSV file."""


class Table(NamedTuple):
    """Rows of values."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]


def table(content: Table, most: int = 200) -> Html:
    """A table within a box that scrolls, whose titles sort it; only the first ``most`` rows."""
    head = tag("tr", *(tag("th", column.title, scope="col", class_=_kind(column)) for column in content.columns))
    rows = [
        tag("tr", *(_cell(column, value) for column, value in zip(content.columns, row, strict=True)))
        for row in content.rows[:most]
    ]
    more = len(content.rows) - most
    note = tag("p", f"{more:,} more rows are in the CSV file.", class_="quiet small") if more > 0 else ""
    scrolled = tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), class_="scroll", tabindex="0")
    return joined([scrolled, note])


def _kind(column: Column) -> str | None:
    return "number" if column.number else "words" if column.words else None


def _cell(column: Column, value: Any) -> Html:
    if value is None:
        return tag("td", "–", class_=_kind(column))
    order = value if column.number else None
    return tag("td", value if isinstance(value, Html) else column.shown(value), class_=_kind(column), data_value=order)


def figure(drawing: Html, caption: str, wide: bool = False) -> Html:
    """A figure with its caption; a wide one scrolls on narrow screens."""
    drawing = tag("div", drawing, class_="scrolled", tabindex="0") if wide else drawing
    return tag("figure", drawing, tag("figcaption", caption), class_="wide" if wide else None)


def paragraphs(sentences: Iterable[object]) -> Html:
    """A paragraph for each sentence or group of sentences."""
    return joined(tag("p", sentence) for sentence in sentences)


def page(title: str, header: Html, sections: Sequence[tuple[str, str, Html]]) -> str:
    """The whole document.

    Args:
      title: of the window.
      header: first part of the page.
      sections: name, title and content of each section.
    """
    links = [tag("a", heading, href=f"#{name}") for name, heading, _ in sections]
    parts = [
        tag("section", tag("h2", heading), content, id=name, aria_label=heading) for name, heading, content in sections
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html((FOLDER / "page.css").read_text(encoding="utf-8"))),
    ]
    script = tag("script", Html((FOLDER / "page.js").read_text(encoding="utf-8")))
    body = [tag("header", header), tag("nav", *links, aria_label="Sections"), tag("main", *parts), script]
    return "<!doctype html>\n" + tag("html", tag("head", *head), tag("body", *body), lang="en") + "\n"


def as_json(value: Any) -> str:
    """JSON of a report, with NumPy's numbers as Python's."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=lambda x: x.item() if hasattr(x, "item") else str(x))


def percent(value: float, digits: int = 1) -> str:
    """A share in per cent; shares below one never round to 100 %, and those above zero not to 0 %."""
    shown = f"{100 * value:.{digits}f}"
    if value < 1 and float(shown) == 100:
        shown = f"{100 - 10**-digits:.{digits}f}"
    if value > 0 and float(shown) == 0:
        shown = f"<{10**-digits:.{digits}f}"
    return f"{shown}\N{NO-BREAK SPACE}%"


def plural(count: int, name: str, several: str = "") -> str:
    """A number with its noun."""
    return f"{count:,} {name}" if count == 1 else f"{count:,} {several or name + 's'}"
