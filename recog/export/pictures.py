"""Padded batches of a few shapes, for which a program is compiled."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32, UInt8

from recog.batch import full_height

STEP = 32
"""Padded widths are multiples of this many pixels."""


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
) -> tuple[UInt8[np.ndarray, "B H W C"], Int32[np.ndarray, "B 2"]]:
    """Pictures of one height padded with zeros to a shared shape, and their sizes; there may be rows without one.

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
    return images, full_height(widths, height)
