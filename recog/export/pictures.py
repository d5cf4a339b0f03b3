"""Padding of pictures to batches of few different shapes, for which programs are compiled."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32, UInt8

STEP = 32
"""Padded widths are multiples of this many pixels."""


def groups(widths: Sequence[int]) -> list[list[int]]:
    """Groups of pictures to pad together, by index; the widest of a group is at most four times as wide as the others.

    Pictures of one source usually form one group, and so one compiled shape; a panorama among them is padded alone.
    """
    found: list[list[int]] = []
    for index in sorted(range(len(widths)), key=lambda index: -widths[index]):
        if not found or widths[found[-1][0]] > 4 * widths[index]:
            found.append([])
        found[-1].append(index)
    return found


def pad(
    pictures: Sequence[UInt8[np.ndarray, "H W C"]], height: int, width: int = 0
) -> tuple[UInt8[np.ndarray, "B H W C"], Int32[np.ndarray, "B 2"]]:
    """Pads pictures with zeros to a shared shape; returns images and sizes, with rows without a picture.

    The number of rows is a power of two. Unless the model has a fixed ``width``, the width is a multiple of 32 and,
    above 256, of an eighth of the next power of two, so that few shapes are compiled and padding is small.
    """
    widest = max(picture.shape[1] for picture in pictures)
    step = width or max(STEP, (1 << (widest - 1).bit_length()) // 8)
    rows = 1 << (len(pictures) - 1).bit_length()
    images = np.zeros((rows, height, -(-widest // step) * step, pictures[0].shape[2]), np.uint8)
    sizes = np.zeros((rows, 2), np.int32)
    for row, picture in enumerate(pictures):
        sizes[row] = picture.shape[:2]
        images[row, : sizes[row, 0], : sizes[row, 1]] = picture
    return images, sizes
