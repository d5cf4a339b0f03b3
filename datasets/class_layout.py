"""Layouts of pictures sorted by class: ``cat/0.jpg``, a folder for each class, or Kaggle's ``cat.0.jpg``."""

import itertools
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePath

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""File name suffixes of pictures, compared in lower case."""
PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""Names of folders that hold the parts of a set, compared in lower case and without a number (Kaggle's ``test1``)."""
PROBED = 20
"""Number of pictures that are looked at to recognise a layout."""

_NUMBERED = re.compile(r"(.+)\.[0-9]+", re.DOTALL)


def class_of(path: PurePath) -> str:
    """Class of a picture by its path below the folder of the set; empty if the path names none.

    It is the name of the first folder. A picture outside of such folders has the part of its name before the number, in
    the form ``NAME.NUMBER.SUFFIX``. Names are brought to Unicode's composed form (NFC).
    """
    found = _NUMBERED.fullmatch(path.stem)
    name = path.parts[0] if len(path.parts) > 1 else found[1] if found else ""
    return unicodedata.normalize("NFC", name)


def pictures_below(folder: Path) -> Iterator[PurePath]:
    """Paths of the pictures below a folder, relative to it; hidden files and folders are passed over.

    The folders in it may be links, those below them are not followed.
    """
    for entry in os.scandir(folder):
        if entry.is_dir() and not _is_hidden(entry.name):
            yield from _below(folder, entry.name)
        elif _is_picture(entry.name) and not entry.is_dir():
            yield PurePath(entry.name)


def is_part(name: str) -> bool:
    """Whether a folder's name says that it holds a part of a set, not a class: ``train``, ``val``, ``test1``..."""
    return name.lower().rstrip("0123456789") in PARTS


def _below(folder: Path, name: str) -> Iterator[PurePath]:
    for place, folders, files in os.walk(folder / name):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        yield from (Path(place, file).relative_to(folder) for file in files if _is_picture(file))


def _is_picture(name: str) -> bool:
    return PurePath(name).suffix.lower() in SUFFIXES and not name.startswith(".")


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def natural_order(path: PurePath) -> tuple:
    """Sorting key with numbers by their value: ``cat.2.jpg`` comes before ``cat.10.jpg``."""
    return tuple(tuple(map(_by_value, re.split("([0-9]+)", part))) for part in path.parts), path.parts


def _by_value(text: str) -> tuple[int, int, str]:
    return (0, int(text), "") if text.isdecimal() and text.isascii() else (1, 0, text)


def suggestion(folder: Path) -> str:
    """Source that reads a folder of pictures sorted by class, such as ``classes:data/train``; empty for others."""
    if not folder.is_dir():
        return ""
    below = [path for path in folder.iterdir() if path.is_dir() and not _is_hidden(path.name)]
    parts = sorted((path for path in below if is_part(path.name)), key=_training_first)
    for place in [folder] if not parts or len(parts) < len(below) else parts:
        if _sorted_by_class(place):
            return f"classes:{place}"
    return ""


def _training_first(path: PurePath) -> tuple[bool, str]:
    return not path.name.lower().startswith("train"), path.name


def _sorted_by_class(folder: Path) -> bool:
    """Whether two folders or more hold pictures, or the first pictures are named ``NAME.NUMBER.SUFFIX``."""
    classes = [entry.name for entry in os.scandir(folder) if entry.is_dir() and not _is_hidden(entry.name)]
    if sum(next(_below(folder, name), None) is not None for name in classes) > 1:
        return True
    files = (PurePath(entry.name) for entry in os.scandir(folder) if _is_picture(entry.name) and entry.is_file())
    probed = list(itertools.islice(files, PROBED))
    return bool(probed) and all(map(class_of, probed))
