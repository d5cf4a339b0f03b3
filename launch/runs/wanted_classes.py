"""Classes that the pictures of a source should show, for ``launch.prepare --outliers --classes=...``."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from recog import imagenet

BUILT_IN = ("cats_and_dogs", "cats_and_dogs_by_label")
"""Lists by name: all cats and dogs (`recog.imagenet`); cats for the label ``cat``, and dogs for ``dog``."""


class Wanted(NamedTuple):
    """Indices of classes, for all pictures or for those of a label."""

    everywhere: tuple[int, ...]
    """Classes of all pictures; empty if they depend on the label."""
    by_label: dict[str, tuple[int, ...]]
    """Classes by label; empty if they do not depend on it."""

    def of(self, label: str) -> tuple[int, ...]:
        """Classes that a picture with this label should show.

        Raises:
          ValueError: no classes are listed for the label.
        """
        found = self.by_label.get(label, ()) if self.by_label else self.everywhere
        if not found:
            known = ", ".join(map(repr, self.by_label))
            raise ValueError(f"--classes lists no class for the label {label!r}, only for {known}: add some")
        return found

    @property
    def size(self) -> int:
        """Number of different classes."""
        return len({*self.everywhere, *(place for places in self.by_label.values() for place in places)})


def load_wanted(classes: str, names: Sequence[str]) -> Wanted:
    """Loads a list of classes.

    Args:
      classes: one of `BUILT_IN`, or a file with a class in each line, by its name or its index; or with a label, a tab
        and a class in each line.
      names: names of the model's classes.

    Raises:
      FileNotFoundError: no such file.
      ValueError: a line names no class of the model, only some lines have labels, or there are none.
    """
    if classes in BUILT_IN:
        return _built_in(classes, names)
    file = Path(classes).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"--classes={classes} is neither a file nor one of {', '.join(BUILT_IN)}")
    return _parse(file.read_text(encoding="utf-8-sig").splitlines(), file, names)


def _built_in(classes: str, names: Sequence[str]) -> Wanted:
    if tuple(names) != imagenet.class_names():
        raise ValueError(
            f"--classes={classes} is for models of the 1000 classes of ImageNet, this one has {len(names)}: "
            "list its classes in a file"
        )
    if classes == "cats_and_dogs":
        return Wanted((*imagenet.DOGS, *imagenet.CATS), {})
    return Wanted((), {"cat": tuple(imagenet.CATS), "dog": tuple(imagenet.DOGS)})


def _parse(lines: Sequence[str], file: Path, names: Sequence[str]) -> Wanted:
    everywhere: list[int] = []
    by_label: dict[str, list[int]] = {}
    for number, line in enumerate(lines, 1):
        label, tab, name = line.rpartition("\t")
        if name.strip():
            place = _place(name.strip(), names, f"{file}:{number}")
            (by_label.setdefault(label, []) if tab else everywhere).append(place)
    if bool(everywhere) == bool(by_label):
        raise ValueError(
            f"{file} {'gives labels in some lines only' if everywhere else 'lists no class'}: write a class in each "
            "line, or in each line a label, a tab and a class"
        )
    return Wanted(tuple(everywhere), {label: tuple(places) for label, places in by_label.items()})


def _place(name: str, names: Sequence[str], where: str) -> int:
    """Index of a class given by its name or its index."""
    if name in names:
        return names.index(name)
    if name.isascii() and name.isdigit():
        if int(name) < len(names):
            return int(name)
        raise ValueError(f"{where}: the model has the classes 0 to {len(names) - 1}, not {name}")
    close = difflib.get_close_matches(name, names, n=3)
    mend = f"did you mean {', '.join(close)}?" if close else "codec.json of the artifact lists its classes"
    raise ValueError(f"{where}: the model has no class {name!r}: {mend}")
