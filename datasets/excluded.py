"""Samples that a list leaves out of a source (``data.exclude``)."""

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from datasets.mixture import Mixture
from datasets.sources import Keyed, Source, Subset, Varied

HEADER = b"file\t"
"""Beginning of the first line of lists that have a header, such as ``outliers.tsv`` of ``launch.prepare``."""
SHOWN = 3
"""Maximum number of entries to name in a message."""


class Remaining(NamedTuple):
    """A source without the listed samples."""

    source: Source
    left_out: int
    """Number of samples left out; each counts once, however often a mixture repeats it."""


class VariedSubset(Subset):
    """Subset of a source of variants (`datasets.sources.Varied`): all variants of some of its samples."""

    def __init__(self, source: Varied, kept: Sequence[int]):
        size = len(source.plain)
        super().__init__(source, [start + index for start in range(0, len(source), size) for index in kept])
        self.plain = Subset(source.plain, kept)
        """The samples themselves."""


def without_listed(source: Source, file: str | Path) -> Remaining:
    """Leaves out the samples that a file lists by their keys.

    Of a mixture, samples are left out of every part that has them.

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
    parts = source.sources if isinstance(source, Mixture) else (source,)
    keyed = [part for part in parts if isinstance(part, Keyed)]
    if not keyed:
        raise ValueError(f"data.exclude={file}: rendered samples have no names by which to leave them out")
    found = {key for part in keyed for key in map(part.key, range(len(part))) if key in wanted}
    if unknown := [entry for entry in wanted if entry not in found]:
        raise ValueError(_message(file, unknown, len(wanted), keyed[0].key(0)))
    remaining = [_without(part, found) if isinstance(part, Keyed) else Remaining(part, 0) for part in parts]
    if not all(len(part.source) for part in remaining):
        raise ValueError(f"data.exclude={file} leaves no sample of a source: shorten the list")
    left_out = sum(part.left_out for part in remaining)
    sources = [part.source for part in remaining]
    return Remaining(Mixture(sources, source.counts) if isinstance(source, Mixture) else sources[0], left_out)


def _entries(file: Path) -> dict[bytes, None]:
    """Entries in their order, each once."""
    lines = file.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    if lines[0].startswith(HEADER):
        lines = lines[1:]
    entries = dict.fromkeys(line.removesuffix(b"\r").partition(b"\t")[0] for line in lines if line.strip())
    if not entries:
        raise ValueError(f"data.exclude={file} lists no sample: leave the setting out")
    return entries


def _without(source: Keyed, left_out: set[bytes]) -> Remaining:
    plain = source.plain if isinstance(source, Varied) else source
    kept = [index for index in range(len(plain)) if plain.key(index) not in left_out]
    if len(kept) == len(plain):
        return Remaining(source, 0)
    subset = VariedSubset(source, kept) if isinstance(source, Varied) else Subset(source, kept)
    return Remaining(subset, len(plain) - len(kept))


def _message(file: Path, unknown: Sequence[bytes], count: int, example: bytes) -> str:
    shown = ", ".join(repr(entry.decode(errors="backslashreplace")) for entry in unknown[:SHOWN])
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    return (
        f"data.exclude={file}: {len(unknown)} of its {count} entries name no sample: {shown}{more}. "
        f"Write names as the source has them, such as {example.decode(errors='backslashreplace')!r}"
    )
