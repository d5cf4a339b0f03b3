"""From pictures of any size to the padded batches of a few shapes that a program is compiled for."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Int32, UInt8

from recog.filters import apply_filters
from recog.images import WIDEST, scale, scaled_width, to_channels

STEP = 32
"""Padded widths are multiples of this many pixels."""


def fit(
    picture: UInt8[np.ndarray, "..."], height: int, channels: int, width: int = 0, filters: Sequence[str] = ()
) -> UInt8[np.ndarray, "H W C"]:
    """A grayscale (``H W`` or ``H W 1``) or RGB picture, with the size, channels and filters that a model takes.

    Args:
      picture: of any size.
      height: pixels to which it is scaled.
      channels: 1 or 3.
      width: pixels to which it is stretched; 0 keeps the aspect ratio.
      filters: names of what it goes through before it is scaled (see `recog.filters`).

    Raises:
      ValueError: no uint8 picture, an empty one, or one so wide and low that it holds no line of text.
    """
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3) or not picture.size:
        raise ValueError(
            f"an array of {picture.dtype} {picture.shape} is no picture: give uint8, H W 1 (grayscale) or H W 3 (RGB)"
        )
    rows, columns = picture.shape[:2]
    scaled = width or scaled_width(rows, columns, height)
    if scaled > WIDEST:
        raise ValueError(
            f"a picture of {columns} x {rows} pixels is {scaled} wide at height {height}, more than {WIDEST}: crop it"
        )
    if picture.shape[2] < channels:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    elif picture.shape[2] > channels:
        picture = to_channels(picture, channels)
    return scale(apply_filters(picture, filters), height, width)


def groups(widths: Sequence[int]) -> list[list[int]]:
    """Which pictures to pad together: none shares a batch with one more than four times as wide.

    Pictures of one source are usually one group, and so one compiled shape; a panorama among them is padded alone.
    """
    found: list[list[int]] = []
    for index in sorted(range(len(widths)), key=lambda index: -widths[index]):
        if not found or widths[found[-1][0]] > 4 * widths[index]:
            found.append([])
        found[-1].append(index)
    return found


def pad(
    pictures: Sequence[UInt8[np.ndarray, "H W C"]], width: int = 0
) -> tuple[UInt8[np.ndarray, "B H W C"], Int32[np.ndarray, " B"]]:
    """Pads pictures of one height with zeros to a shared shape; more rows may come out than pictures went in.

    Rows are a power of two. Unless a model takes one ``width`` alone, it is a multiple of 32, above 256 of an eighth to
    a quarter of itself: few shapes are compiled and little is padded.
    """
    widest = max(picture.shape[1] for picture in pictures)
    step = width or max(STEP, (1 << (widest - 1).bit_length()) // 8)
    rows = 1 << (len(pictures) - 1).bit_length()
    height, _, channels = pictures[0].shape
    images = np.zeros((rows, height, -(-widest // step) * step, channels), np.uint8)
    widths = np.zeros(rows, np.int32)
    for row, picture in enumerate(pictures):
        widths[row] = picture.shape[1]
        images[row, :, : widths[row]] = picture
    return images, widths
