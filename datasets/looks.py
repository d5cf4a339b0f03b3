"""Facts about the samples of a source for reports: decoded once, in parallel, and kept as digests."""

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from datasets.duplicates import digest
from datasets.needs import Needs
from datasets.picture_remarks import picture_remarks
from datasets.preflight import AT_ONCE
from datasets.sources import BadSampleError, Source
from recog.codecs import Problems
from recog.images import decode
from recog.preprocess import Preprocess


class Look(NamedTuple):
    """Facts about a readable sample, with digests of 64 bits."""

    label: Any
    size: tuple[int, int]
    """Height and width in pixels."""
    pixels: int
    """Digest of the decoded picture."""
    file: int
    """Digest of the encoded picture."""
    digest: int
    """Digest of the label."""
    remarks: Problems
    """Remarks about the picture, by kind."""


def examine(source: Source, preprocess: Preprocess, needs: Needs | None) -> Iterator[Look | BadSampleError]:
    """Examines each sample, in order."""
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(source), AT_ONCE):
            indices = range(start, min(start + AT_ONCE, len(source)))
            yield from pool.map(functools.partial(_look, source, preprocess, needs), indices)


def _look(source: Source, preprocess: Preprocess, needs: Needs | None, index: int) -> Look | BadSampleError:
    try:
        image, label, origin = source[index]
    except BadSampleError as error:
        return BadSampleError(error.origin, error.reason)  # without its traceback, which keeps frames in memory
    try:
        pixels = decode(image, 3) if isinstance(image, bytes) else image
    except ValueError as error:
        return BadSampleError(origin, str(error))
    of_pixels = digest(f"{pixels.shape}".encode() + pixels.tobytes())
    of_file = digest(image if isinstance(image, bytes) else f"rendered {index}".encode())
    of_label = digest(str(label).encode(errors="surrogatepass"))
    remarks = picture_remarks(image, pixels, label, preprocess, needs.codec if needs else None)
    return Look(label, pixels.shape[:2], of_pixels, of_file, of_label, remarks)
