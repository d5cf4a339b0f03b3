"""One entry of a public set: where its picture lies, what part of it counts, and its text; threads read them."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from datasets.builders.crops import Box, Quadrilateral, crop
from datasets.sources import BadSampleError
from recog.images import decode

AT_ONCE = 256
"""Entries handed to the threads together, so that a set of millions is never in memory as a whole."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A labelled picture, or a labelled part of one, before anything is read."""

    path: Path
    """The picture file."""
    text: str
    """The label."""
    origin: str
    """Where the set says so, below its folder, for messages: ``annotation_train.txt:7 (./1/2/3_Lube_4.jpg)``."""
    region: Box | Quadrilateral | None = None
    """What is cut out; None takes the file as it is."""
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What else the set knows of it, by the name of the builder's feature."""


Entries = Callable[[], Iterator[Entry | BadSampleError]]
"""The entries of one split in the set's own order, malformed ones as the error that they are; each call starts anew."""


class Loaded(NamedTuple):
    """An entry and its picture."""

    entry: Entry
    picture: bytes
    """Encoded, and known to decode."""


def load(entries: Iterator[Entry | BadSampleError]) -> Iterator[Loaded | BadSampleError]:
    """Reads the picture of each entry, in order; errors pass through, and entries that cannot be used become one."""
    with ThreadPoolExecutor() as pool:
        while chunk := list(itertools.islice(entries, AT_ONCE)):
            yield from pool.map(_load, chunk)


def _load(entry: Entry | BadSampleError) -> Loaded | BadSampleError:
    if isinstance(entry, BadSampleError):
        return entry
    if not entry.text:
        return BadSampleError(entry.origin, "the label is empty")
    try:
        content = entry.path.read_bytes()
        if entry.region is None:
            decode(content, 1)
            return Loaded(entry, content)
        return Loaded(entry, crop(decode(content, 3, upright=False), entry.region))
    except OSError as error:
        return BadSampleError(entry.origin, f"{entry.path} cannot be read: {error.strerror or error}")
    except ValueError as error:
        return BadSampleError(entry.origin, str(error))


def locate(source: Path, folders: Sequence[str], files: Sequence[str]) -> Path:
    """The first of ``source`` and some folders below it that holds one of these files.

    Raises:
      FileNotFoundError: none of them does.
    """
    places = [source, *(source / folder for folder in folders)]
    for place in places:
        if any((place / file).exists() for file in files):
            return place
    raise FileNotFoundError(f"none of {', '.join(files)} is in {' or '.join(map(str, places))}")


def present(
    parse: Callable[[Path, str], Iterator[Entry | BadSampleError]], root: Path, files: Mapping[str, str]
) -> dict[str, Entries]:
    """The splits whose label file is there: a set may have been fetched in part.

    Args:
      parse: reads the label file of that name in a folder.
      root: the folder.
      files: label file by split.
    """
    return {split: functools.partial(parse, root, file) for split, file in files.items() if (root / file).exists()}
