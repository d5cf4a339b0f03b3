"""Samples that a list leaves out of a source (``data.exclude``)."""

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from datasets.joined import Joined
from datasets.mixture import Mixture
from datasets.sources import Keyed, Source, Subset

HEADER = b"file\t"
"""Beginning of the first line of lists that have a header, such as ``outliers.tsv`` of ``launch.prepare``."""
SHOWN = 3
"""Maximum number of entries to name in a message."""


class Remaining(NamedTuple):
    """A source without the listed samples."""

    source: Source
    left_out: int
    """Number of samples left out; each counts once, with its variants and however often a mixture repeats it."""


def without_listed(source: Source, file: str | Path) -> Remaining:
    """Leaves out the samples that a file lists by their keys.

    Of a mixture, samples are left out of every part that has them; of variants of samples, all variants. A part of a
    source, such as a fold of it, may lack some of the listed samples.

    Args:
      source: source of the samples.
      file: one key a line, UTF-8: the path of a picture as its label file has it, or what else names a sample in its
        source. Of a line with tabs the first column counts; the header ``file`` and blank lines are ignored.

    Raises:
      FileNotFoundError: no such file.
      ValueError: the file is empty, an entry names no sample, none is left, or rendered samples have no names.
    """
    file = Path(file).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"data.exclude={file} does not exist: name a file with a sample's path in each line")
    wanted = _entries(file)
    parts = source.sources if isinstance(source, Mixture | Joined) else (source,)
    keyed = [part for part in parts if isinstance(part, Keyed)]
    if not keyed:
        raise ValueError(f"data.exclude={file}: rendered samples have no names by which to leave them out")
    known = {key for part in keyed for key in _keys(_whole(part)) if key in wanted}
    if unknown := [entry for entry in wanted if entry not in known]:
        raise ValueError(_message(file, unknown, len(wanted), keyed[0].key(0)))
    sources = [_without(part, known) if isinstance(part, Keyed) else part for part in parts]
    if not all(map(len, sources)):
        raise ValueError(f"data.exclude={file} leaves no sample of a source: shorten the list")
    left_out = {key for part in keyed for key in _keys(part) if key in known}
    return Remaining(_with(source, sources), len(left_out))


def _with(source: Source, parts: Sequence[Source]) -> Source:
    """The source with other parts, or its only part."""
    if isinstance(source, Mixture):
        return Mixture(parts, source.counts)
    return Joined([part for part in parts if isinstance(part, Keyed)]) if isinstance(source, Joined) else parts[0]


def _entries(file: Path) -> dict[bytes, None]:
    """Entries in their order, each once."""
    lines = file.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    if lines[0].startswith(HEADER):
        lines = lines[1:]
    entries = dict.fromkeys(line.removesuffix(b"\r").partition(b"\t")[0] for line in lines if line.strip())
    if not entries:
        raise ValueError(f"data.exclude={file} lists no sample: leave the setting out")
    return entries


def _without(source: Keyed, left_out: set[bytes]) -> Source:
    kept = [index for index, key in enumerate(_keys(source)) if key not in left_out]
    return source if len(kept) == len(source) else Subset(source, kept)


def _keys(source: Keyed) -> Iterator[bytes]:
    return map(source.key, range(len(source)))


def _whole(source: Keyed) -> Keyed:
    """The source that a subset is part of, or the source itself."""
    while isinstance(source, Subset) and isinstance(source.source, Keyed):
        source = source.source
    return source


def _message(file: Path, unknown: Sequence[bytes], count: int, example: bytes) -> str:
    shown = ", ".join(repr(entry.decode(errors="backslashreplace")) for entry in unknown[:SHOWN])
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    return (
        f"data.exclude={file}: {len(unknown)} of its {count} entries name no sample: {shown}{more}. "
        f"Write names as the source has them, such as {example.decode(errors='backslashreplace')!r}"
    )
