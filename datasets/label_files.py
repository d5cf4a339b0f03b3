"""Label files in other forms than ``path<TAB>text``: found by the pictures that exist, and refused with the mend.

Forms whose meaning is beyond doubt are read: carriage returns alone as line ends, and backslashes in the paths of
Windows. All others are refused once for the whole file, not for each of its lines.
"""

import codecs
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from datasets.class_layout import pictures_below, suggestion
from recog.unknown_tokens import shortened

PROBED = 20
"""Number of lines whose pictures are looked for."""
_DICTIONARY = re.compile(r"""\s*[\[{]\s*(["'{\[]|$)""")
"""Beginning of JSON or of a dictionary of Python."""
_BY_NAME = {",": "a comma", ";": "a semicolon", "|": "a bar"}


class Line(NamedTuple):
    """A line that is not blank."""

    number: int
    """Number in the file, from 1."""
    text: str


class _Form(NamedTuple):
    """A form that people write instead of ``path<TAB>text``."""

    fault: str
    """Verb and object for the lines: ``have a comma instead of a tab``."""
    mend: str
    path: Callable[[str], str | None]
    """Path in a line of this form; None for a line that cannot be of this form."""


def find_picture(folder: Path, path: str) -> Path:
    """File of a path in a label file; backslashes separate folders if no file's name has them."""
    file = folder / path
    if "\\" not in path or _is_file(file):
        return file
    forward = folder / path.replace("\\", "/")
    return forward if _is_file(forward) else file


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Lines of a label file without the marks at their ends and without a byte order mark, read one after another.

    Lines end with LF or CRLF. Carriage returns alone are line ends only if there is no LF and each part holds a tab;
    otherwise they belong to a text.
    """
    first = file.readline().removeprefix(codecs.BOM_UTF8)
    if b"\r" in first and not first.endswith(b"\n"):
        parts = first.split(b"\r")
        yield from parts if all(b"\t" in part for part in parts if part.strip()) else [first.removesuffix(b"\r")]
        return
    for line in itertools.chain([first], file):
        yield line.removesuffix(b"\n").removesuffix(b"\r")


def refuse_other_forms(file: Path, lines: Callable[[], Iterable[Line]]) -> None:
    """Raises ``ValueError`` for a file of another form; its pictures exist in that form, and none exists as written.

    Args:
      file: the file; paths are relative to its folder.
      lines: returns an iterator over the lines; the whole file is read only if it is refused.
    """
    probed = [line for line, _ in zip(lines(), range(PROBED), strict=False)]
    if not probed or any(_exists(file.parent, line.text.partition("\t")[0]) for line in probed):
        return
    if _DICTIONARY.match(probed[0].text):
        raise ValueError(
            f"{file} holds JSON or a dictionary, {shortened(probed[0].text)}: write one path<TAB>text per line"
        )
    for form in _forms(file, probed[0].text):
        found = next((line for line in probed if _exists(file.parent, form.path(line.text))), None)
        if found:
            texts = [line.text for line in lines()]
            count = sum(form.path(text) is not None for text in texts)
            raise ValueError(
                f"{file}: {count:,} of {len(texts):,} lines {form.fault}, such as line {found.number}, "
                f"{shortened(found.text)}: {form.mend}"
            )


def is_header(folder: Path, first: str, second: str) -> bool:
    """Whether the first of two paths names a column: it has no suffix, and only the second one's picture exists."""
    return not Path(first).suffix and not _exists(folder, first) and _exists(folder, second)


def _exists(folder: Path, path: str | None) -> bool:
    return bool(path) and _is_file(find_picture(folder, str(path)))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # too long a name, or a folder that may not be entered
        return False


def _forms(file: Path, first: str) -> list[_Form]:
    swapped = _Form(
        "hold text<TAB>path", "swap the columns, to path<TAB>text", lambda line: line.partition("\t")[2] or None
    )
    quoted = _Form(
        "have quotation marks around the path", "remove those around paths and texts", lambda line: _quoted_path(line)
    )
    parent = _Form(
        f"have a path relative to {file.parent.parent} instead of {file.parent}",
        "move the file there, or shorten the paths",
        lambda line: f"../{line.partition(chr(9))[0]}" if "\t" in line else None,
    )
    spaces = _Form(
        "have spaces instead of a tab", "put a tab between path and text", lambda line: _before(" ", line, tabs=False)
    )
    return [quoted, swapped, parent, *(_separated(mark, file, first) for mark in _BY_NAME), spaces]


def _quoted_path(line: str) -> str | None:
    path = line.partition("\t")[0]
    return path[1:-1] if "\t" in line and len(path) > 2 and path[0] == path[-1] and path[0] in "\"'" else None


def _separated(mark: str, file: Path, first: str) -> _Form:
    names = [name.strip() for name in first.split(mark)]
    columns = f":path={names[0]},text={names[1]}" if len(names) == 2 and not Path(names[0]).suffix else ""
    mend = "put a tab between path and text"
    if mark == ",":
        mend += f", or read it as csv:{file}{columns}{'' if columns else ' after a line image_path,plate_text'}"
    return _Form(f"have {_BY_NAME[mark]} instead of a tab", mend, lambda line: _before(mark, line))


def _before(mark: str, line: str, tabs: bool = True) -> str | None:
    """Part of a line before a mark, without quotation marks; None if the mark is missing, or there are tabs."""
    path, found, _ = line.strip().partition(mark)
    return path.strip().strip('"') if found and (tabs or "\t" not in line) else None


def missing(path: Path) -> str:
    """Message for a folder without label file, or for one that does not exist, with the files that may be meant."""
    labels = path / "labels.tsv"
    expected = f"{labels} does not exist: a folder of samples holds labels.tsv with one path<TAB>text per line"
    found = sorted(x for x in path.iterdir() if x.suffix in (".txt", ".tsv", ".csv")) if path.is_dir() else []
    others = [f"csv:{x}" if x.suffix == ".csv" else f"folder:{x}" for x in found if not x.name.startswith(".")]
    named = f"; if another file holds the labels, name it: {' or '.join(others[:3])}" if others else ""
    by_class = suggestion(path)
    sorted_by_class = f"; pictures sorted by class are read as {by_class}" if by_class else ""
    unlabelled = not (named or by_class) and path.is_dir() and any(pictures_below(path))
    without = f"; data.unlabelled takes pictures without labels as pictures:{path}" if unlabelled else ""
    return f"{expected}{named}{sorted_by_class}{without}"
