"""Prediction for picture files with an artifact, in batches."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8

from recog.codecs import Reading
from recog.export.artifact import Artifact
from recog.folders import left_by_system

T = TypeVar("T")

PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes of picture files in folders; files given by name may have any suffix."""


def find_pictures(paths: Sequence[str], suffixes: Sequence[str] = PICTURES) -> list[Path]:
    """Expands folders to the sorted pictures below them, and keeps files as given.

    Files of macOS and Windows, such as ``._a.jpg``, are passed over in folders. A folder without pictures is kept, so
    that `read_files` reports it.

    Args:
      paths: files and folders.
      suffixes: suffixes of the files to find in folders, in lower case.
    """
    found = []
    for path in map(Path, paths):
        below = sorted(filter(_is_picture_below(path, suffixes), path.rglob("*"))) if path.is_dir() else []
        found += below or [path]
    return found


def _is_picture_below(folder: Path, suffixes: Sequence[str]) -> Callable[[Path], bool]:
    return lambda path: (
        path.suffix.lower() in suffixes and path.is_file() and not left_by_system(path.relative_to(folder))
    )


def read_files(
    artifact: Artifact, paths: Sequence[Path], batch_size: int, nbest: int | None = None
) -> Iterator[tuple[Path, list[Reading] | str]]:
    """Yields each path with its predictions, best first, or with the reason why the file cannot be read.

    Args:
      artifact: artifact of a model.
      paths: files, in the order of the results.
      batch_size: number of files that are decoded and predicted together.
      nbest: maximum number of predictions for each file, for which a reader needs a decoder that lists several texts;
        None for one.
    """

    def read(fitted: Sequence[UInt8[np.ndarray, "H W C"]]) -> list[list[Reading]]:
        if nbest:
            return artifact.best_of_fitted(fitted, nbest)
        return [[reading] for reading in artifact.read_fitted(fitted)]

    return predict_files(artifact.fit, read, paths, batch_size)


def predict_files(
    fit: Callable[[bytes], UInt8[np.ndarray, "H W C"]],
    predict: Callable[[list[UInt8[np.ndarray, "H W C"]]], list[T]],
    paths: Sequence[Path],
    batch_size: int,
) -> Iterator[tuple[Path, T | str]]:
    """Yields each path with its prediction, or with the reason why the file cannot be read.

    Args:
      fit: preprocesses the content of a picture file, such as `Artifact.fit`.
      predict: returns a prediction, which is not a ``str``, for each of the preprocessed pictures.
      paths: files, in the order of the results.
      batch_size: number of files that are decoded and predicted together.
    """
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), batch_size):
            batch = paths[start : start + batch_size]
            loaded = list(pool.map(lambda path: load_picture(fit, path), batch))
            readable = [x for x in loaded if not isinstance(x, str)]
            predictions = iter(predict(readable) if readable else [])
            for path, pixels in zip(batch, loaded, strict=True):
                yield path, pixels if isinstance(pixels, str) else next(predictions)


def load_picture(fit: Callable[[bytes], UInt8[np.ndarray, "H W C"]], path: Path) -> UInt8[np.ndarray, "H W C"] | str:
    """Pixels that ``fit`` makes of a file's content, or the reason why the file cannot be read."""
    try:
        return "a folder without pictures" if path.is_dir() else fit(path.read_bytes())
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
