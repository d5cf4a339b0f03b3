"""Entries of public sets: picture file, region of the picture and label; pictures are loaded by threads."""

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
"""Number of entries handed to the threads at a time, so that a set of millions is never in memory as a whole."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A labelled picture or part of a picture, not loaded yet."""

    path: Path
    """The picture file."""
    text: str
    """The label."""
    origin: str
    """Place of the label in the set's files, for messages: ``annotation_train.txt:7 (./1/2/3_Lube_4.jpg)``."""
    region: Box | Quadrilateral | None = None
    """Region to cut out; None takes the file as it is."""
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Values of the builder's extra features, by name."""


Entries = Callable[[], Iterator[Entry | BadSampleError]]
"""Iterates over the entries of one split in the set's own order, with an error for each malformed entry."""


class Loaded(NamedTuple):
    """An entry and its picture."""

    entry: Entry
    picture: bytes
    """Encoded picture, checked to decode."""


def load(entries: Iterator[Entry | BadSampleError]) -> Iterator[Loaded | BadSampleError]:
    """Loads the picture of each entry, in order.

    Errors are passed on; an entry with an empty label or an unusable picture is replaced by an error.
    """
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
    """First folder, among ``source`` and these subfolders, that holds one of these files.

    Raises:
      FileNotFoundError: none of the folders holds any of the files.
    """
    places = [source, *(source / folder for folder in folders)]
    for place in places:
        if any((place / file).exists() for file in files):
            return place
    raise FileNotFoundError(f"found none of {', '.join(files)} in {' or '.join(map(str, places))}")


def present(
    parse: Callable[[Path, str], Iterator[Entry | BadSampleError]], root: Path, files: Mapping[str, str]
) -> dict[str, Entries]:
    """Entries of the splits whose label file exists; a set may have been downloaded in part.

    Args:
      parse: parses a label file, given the folder and the name of the file.
      root: the folder.
      files: name of the label file, by split.
    """
    return {split: functools.partial(parse, root, file) for split, file in files.items() if (root / file).exists()}
