"""Reads picture files with an artifact, a batch at a time."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from recog.codecs import Reading
from recog.export.artifact import Artifact

PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes of the files that are read from a folder; a file named by itself is read whatever its suffix."""


def find_pictures(paths: Sequence[str]) -> list[Path]:
    """Files as they are given, and for each folder the pictures below it, sorted.

    A folder without pictures is listed itself, so that `read_files` reports it.
    """
    found = []
    for path in map(Path, paths):
        inside = (p for p in path.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
        found += sorted(inside) or [path] if path.is_dir() else [path]
    return found


def read_files(artifact: Artifact, paths: Sequence[Path], batch_size: int) -> Iterator[tuple[Path, Reading | str]]:
    """Yields each path with its reading, or with the reason why the file cannot be read.

    Args:
      artifact: the reader.
      paths: files, in the order of the results.
      batch_size: files that are decoded and read together.
    """
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), batch_size):
            batch = paths[start : start + batch_size]
            loaded = list(pool.map(lambda path: _load(artifact, path), batch))
            readings = iter(artifact.read_fitted([x for x in loaded if not isinstance(x, str)]))
            for path, pixels in zip(batch, loaded, strict=True):
                yield path, pixels if isinstance(pixels, str) else next(readings)


def _load(artifact: Artifact, path: Path) -> UInt8[np.ndarray, "H W C"] | str:
    """A file's pixels, fitted to the artifact, or the reason why there are none."""
    try:
        return "a folder without pictures" if path.is_dir() else artifact.fit(path.read_bytes())
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
