"""Sources of samples, with random access and without decoding in advance."""

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from datasets.label_files import Line, find_picture, is_header, lines_of, missing, refuse_other_forms
from recog.packed import Packed
from recog.unknown_tokens import shortened

TAB = b"\t"
LONGEST_PATH = 4096
"""Maximum number of characters of a path in messages: longer ones are not paths, but lines without a tab."""


class Sample(NamedTuple):
    """One labelled picture, as its source provides it."""

    image: bytes | np.ndarray
    """Content of a picture file, or decoded uint8 ``H W 3`` in RGB order."""
    label: Any
    """Label: a text, a class name, or a `recog.codecs.BoxLabel`."""
    origin: str
    """Origin for messages, such as ``data/x/labels.tsv:12 (images/0012.png)``."""


class BadSampleError(ValueError):
    """A sample cannot be used; holds its origin and the reason."""

    def __init__(self, origin: str, reason: str):
        super().__init__(f"{origin}: {reason}")
        self.origin = origin
        self.reason = reason

    def __reduce__(self):
        return type(self), (self.origin, self.reason)


class Source(Protocol):
    """Random access to samples; index ``i`` is the same sample in every process and every epoch."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample:
        """Loads sample ``index``; raises `BadSampleError` if the entry is malformed or its file cannot be read."""
        ...

    def origin(self, index: int) -> str:
        """Origin of sample ``index`` for messages, without reading it."""
        ...


@runtime_checkable
class RenderedSource(Source, Protocol):
    """A source that renders its samples, so that a preflight need not check each of them."""

    @property
    def size(self) -> tuple[int, int]:
        """Height of all samples and width of the widest in pixels."""
        ...


@runtime_checkable
class Keyed(Source, Protocol):
    """A source whose samples have keys, so that a fixed part of them can be held out."""

    def key(self, index: int) -> bytes:
        """Key of sample ``index``, which does not depend on its position in the source; reads nothing."""
        ...


@runtime_checkable
class Stored(Keyed, Protocol):
    """A source of stored samples, which may be renderings that were stored once."""

    rendered: bool
    """Whether the samples are renderings, which a mixture does not hold out beside others."""


@runtime_checkable
class Grouped(Keyed, Protocol):
    """A source with groups of samples of the same object, which must be held out together or not at all."""

    def group(self, index: int) -> bytes:
        """Key of the group of sample ``index``."""
        ...


@runtime_checkable
class Varied(Keyed, Protocol):
    """A source that makes variants of the samples of another one for training.

    Its length is a multiple of the other's, and sample ``i`` is a variant of sample ``i % len(plain)``.
    """

    plain: Keyed
    """The source of the samples themselves, which are held out in place of their variants."""


def group_of(source: Keyed, index: int) -> bytes:
    """Group of a sample, or its key if the source has no groups."""
    return source.group(index) if isinstance(source, Grouped) else source.key(index)


def load_picture(file: Path, origin: str) -> bytes:
    """Loads the content of a sample's file; raises `BadSampleError` if it cannot be read."""
    try:
        with file.open("rb", buffering=0) as content:  # fewer system calls, after each of which threads wait
            return content.read()
    except OSError as error:
        raise BadSampleError(origin, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the path
        raise BadSampleError(origin, f"cannot be read: {error}") from error


class Folder:
    """A folder with ``labels.tsv``, or another label file by its name: one ``path<TAB>text`` per line, UTF-8.

    Paths are relative to the file's folder. Lines end with LF or CRLF, or all of them with CR; other line breaks of
    Unicode, spaces and further tabs belong to the text. Blank lines and a byte order mark are ignored. Backslashes in
    a path separate folders if no file's name has them.

    Raises:
      FileNotFoundError: no such folder or file, or no ``labels.tsv`` in the folder.
      ValueError: the file has another form, such as commas for tabs, in which its pictures exist.
    """

    def __init__(self, path: str | Path):
        path = Path(path)
        self.folder, self.labels = (path.parent, path) if path.is_file() else (path, path / "labels.tsv")
        if not self.labels.is_file():
            raise FileNotFoundError(missing(path))
        # Each worker process has a copy of up to millions of lines.
        self._texts, self._after_blanks = Packed(), array("q")
        with self.labels.open("rb") as file:
            for line in lines_of(file):
                if line.strip():
                    self._texts.append(line)
                else:
                    self._after_blanks.append(len(self._texts))
        refuse_other_forms(self.labels, self._lines)

    def __len__(self) -> int:
        return len(self._texts)

    def _entry(self, index: int) -> tuple[int, bytes]:
        """Number and content of a line."""
        return index + 1 + bisect_right(self._after_blanks, index), self._texts[index]

    def _lines(self) -> Iterator[Line]:
        """Lines that are not blank, with escapes for bytes that are not UTF-8."""
        entries = map(self._entry, range(len(self)))
        return (Line(number, line.decode(errors="surrogateescape")) for number, line in entries)

    def __getitem__(self, index: int) -> Sample:
        number, line = self._entry(index)
        place = f"{self.labels}:{number}"
        try:
            path, tab, text = line.decode().partition("\t")
        except UnicodeDecodeError as error:
            raw = line.decode(errors="backslashreplace")
            raise BadSampleError(place, f"{shortened(raw)} is not UTF-8: save the file as UTF-8") from error
        if not (path and tab):
            reason = f"{shortened(line.decode())} is not path<TAB>text: put a path and a tab before the text"
            raise BadSampleError(place, reason)
        origin = self.origin(index)
        if index == 0 and len(self) > 1 and is_header(self.folder, path, os.fsdecode(self.key(1))):
            raise BadSampleError(origin, f"{shortened(line.decode())} looks like a header: remove the line")
        return Sample(load_picture(find_picture(self.folder, path), origin), text, origin)

    def origin(self, index: int) -> str:
        """File and line of an entry, and the picture's path."""
        number, line = self._entry(index)
        path = line.partition(TAB)[0].decode(errors="replace")
        return f"{self.labels}:{number} ({path[:LONGEST_PATH]}{'...' * (len(path) > LONGEST_PATH)})"

    def key(self, index: int) -> bytes:
        """Key of a sample: its path in UTF-8, which does not depend on the order of the lines."""
        return self._texts[index].partition(TAB)[0]


class Subset:
    """Subset of a source, by index; its samples have keys and groups if those of the source do."""

    def __init__(self, source: Source, indices: Sequence[int] | np.ndarray):
        self.source = source
        self.indices = np.ascontiguousarray(indices, np.int32)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        return self.source[int(self.indices[index])]

    @property
    def rendered(self) -> bool:
        """Whether the samples are renderings (`Stored`)."""
        return isinstance(self.source, Stored) and self.source.rendered

    def origin(self, index: int) -> str:
        """Origin of a sample in the whole source."""
        return self.source.origin(int(self.indices[index]))

    def key(self, index: int) -> bytes:
        """Key of a sample in the whole source."""
        assert isinstance(self.source, Keyed)
        return self.source.key(int(self.indices[index]))

    def group(self, index: int) -> bytes:
        """Group of a sample in the whole source."""
        assert isinstance(self.source, Keyed)
        return group_of(self.source, int(self.indices[index]))
