"""Class names of a YOLO set: ``names`` of ``data.yaml``, or the lines of ``classes.txt``."""

from pathlib import Path
from typing import Any

import yaml

YAML, TEXT = ("data.yaml", "dataset.yaml", "data.yml"), "classes.txt"
"""Files that hold the names, in the order of preference."""


def load_class_names(folder: Path) -> tuple[str, ...]:
    """Loads the class names of a set, in the order of their indices.

    Raises:
      FileNotFoundError: the folder holds none of the files.
      ValueError: a file is malformed, or names no classes.
    """
    for file in map(folder.joinpath, YAML):
        if file.is_file():
            return _checked(_from_yaml(file), file)
    file = next((place / TEXT for place in (folder, folder / "labels") if (place / TEXT).is_file()), None)
    if file is None:
        raise FileNotFoundError(
            f"{folder} does not name its classes: add {YAML[0]} with names: [NAME, ...], or {TEXT} with a name per line"
        )
    try:
        return _checked(file.read_text(encoding="utf-8-sig").splitlines(), file)
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8: save it as UTF-8") from error


def _from_yaml(file: Path) -> list[Any]:
    try:
        content = yaml.safe_load(file.read_bytes())
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is not YAML: {error}") from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise ValueError(f"{file}: names has the indices {', '.join(map(str, names))}: number them from 0")
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list):
        raise ValueError(f"{file} has no list of names: add names: [NAME, ...]")
    return names


def _checked(names: list[Any], file: Path) -> tuple[str, ...]:
    named = tuple(str(name).strip() for name in names)
    while named and not named[-1]:  # blank lines at the end
        named = named[:-1]
    if not named or not all(named) or len(set(named)) < len(named):
        raise ValueError(f"{file} names the classes {list(named)}: give each class one name, and none that is empty")
    return named
