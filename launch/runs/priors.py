"""Priors of a detector from the boxes of its training samples, for ``launch.prepare --priors``."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from datasets.once import Once
from datasets.priors import Priors, find_priors
from datasets.report import LOOK_AT_RENDERED
from datasets.sources import BadSampleError, Source
from datasets.specs import open_source
from launch.runs.config import Config
from recog.codecs import BoxLabel
from recog.picture_size import picture_size

COUNT = 9
"""Default number of priors, as of YOLOv3: three for each of its scales."""


def print_priors(
    data: str,
    count: int = COUNT,
    height: int | None = None,
    width: int | None = None,
    config: Config | None = None,
    on_bad_sample: str = "raise",
) -> list[Priors]:
    """Finds priors for all boxes of a source, and prints them as a flag; of rendered sources, for the first samples.

    Args:
      data: source of pictures with boxes, see `datasets.specs.open_source`.
      count: number of priors.
      height: height in pixels into which pictures are letterboxed.
      width: width in pixels into which pictures are letterboxed.
      config: configuration with this height and width instead.
      on_bad_sample: ``raise`` or ``skip`` samples that cannot be read.

    Returns:
      The best priors of each number from 1 to ``count``.

    Raises:
      ValueError: unknown source, labels that are not boxes, fewer different boxes than priors, or no height and
        width, or two of them.
    """
    if config and (height or width):
        raise ValueError("--height and --width belong to the configuration: leave them out, or --config")
    if config:
        height, width = config.data.height, config.data.width
    if not (height and width):
        raise ValueError("give the size of the detector's pictures: --height and --width, or --config with both")
    source = Once(open_source(data), LOOK_AT_RENDERED)
    by_picture = list(_sizes(source, height, width, skip=on_bad_sample == "skip"))
    sizes = np.concatenate([np.zeros((0, 2)), *by_picture])
    if not len(sizes):
        raise ValueError(f"{data} holds no boxes to find priors for")
    found = find_priors(sizes, count)
    print(f"{data}: {len(sizes):,} boxes in {len(by_picture):,} pictures, letterboxed into {width}x{height} pixels")
    print(f"mean IoU with the best of 1 to {count} priors: {', '.join(f'{one.mean_overlap:.3f}' for one in found)}")
    pairs = ",".join(f"({across:.1f},{down:.1f})" for across, down in found[-1].sizes)
    print(f'--config.model.priors="({pairs}{"," * (count == 1)})"')
    return found


def _sizes(source: Source, height: int, width: int, skip: bool) -> Iterator[Float[np.ndarray, "N 2"]]:
    """Widths and heights of each picture's boxes in pixels of the letterboxed picture."""
    skipped = 0
    for index in tqdm(range(len(source)), "read boxes", leave=False):
        try:
            image, label, origin = source[index]
            own = _size(image, origin)
        except BadSampleError as error:
            if not skip:
                raise BadSampleError(error.origin, f"{error.reason} (--on_bad_sample=skip skips it)") from error
            skipped += 1
            continue
        if not isinstance(label, BoxLabel):
            raise ValueError(f"{origin}: the label is not boxes: name a source of pictures with boxes")
        scale = min(height / own[0], width / own[1])
        corners = np.array([box.corners for box in label.boxes], np.float64).reshape(-1, 4, 2)
        yield np.ptp(corners, axis=1) * scale
    if skipped:
        print(f"{skipped:,} samples that cannot be read are skipped")


def _size(image: bytes | np.ndarray, origin: str) -> tuple[int, int]:
    """Height and width of a sample's picture."""
    try:
        height, width = picture_size(image) if isinstance(image, bytes) else image.shape[:2]
    except ValueError as error:
        raise BadSampleError(origin, str(error)) from error
    return height, width
