"""Crops of words and plates from camera pictures, encoded as JPEG."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

JPEG_QUALITY = 95
"""JPEG quality, 0 to 100. Without chroma subsampling this takes a tenth of a PNG's size; the sources are JPEG too."""


class Box(NamedTuple):
    """Upright rectangle in pixels, right and bottom edges excluded."""

    left: int
    top: int
    right: int
    bottom: int


class Quadrilateral(NamedTuple):
    """Corners of a plane rectangle seen in perspective, ``(x, y)`` at pixel centres."""

    top_left: tuple[int, int]
    top_right: tuple[int, int]
    bottom_right: tuple[int, int]
    bottom_left: tuple[int, int]


def crop(image: UInt8[np.ndarray, "H W 3"], region: Box | Quadrilateral) -> bytes:
    """Cuts a region out of an RGB picture.

    Returns:
      Content of a JPEG file; a quadrilateral is made upright.

    Raises:
      ValueError: the region is outside the picture or too large for it or for JPEG, or the corners are not those of a
        convex quadrilateral, clockwise from the top left.
    """
    part = _cut(image, region) if isinstance(region, Box) else _rectify(image, region)
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(part, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"the region of {part.shape[1]}x{part.shape[0]} pixels is too large for a JPEG file")
    return encoded.tobytes()


def _cut(image: UInt8[np.ndarray, "H W 3"], box: Box) -> UInt8[np.ndarray, "Y X 3"]:
    part = image[max(box.top, 0) : max(box.bottom, 0), max(box.left, 0) : max(box.right, 0)]
    if not part.size:
        height, width = image.shape[:2]
        raise ValueError(f"box {tuple(box)} is outside the picture of {width}x{height} pixels")
    return part


def _rectify(image: UInt8[np.ndarray, "H W 3"], corners: Quadrilateral) -> UInt8[np.ndarray, "Y X 3"]:
    """Warps the quadrilateral to a rectangle with the mean lengths of its opposite sides."""
    points = np.array(corners, np.float32)  # 4 2
    if not cv2.isContourConvex(points) or cv2.contourArea(points, oriented=True) < 1:
        raise ValueError(f"corners {tuple(corners)} are not a convex quadrilateral, clockwise from the top left")
    low, high, size = points.min(axis=0), points.max(axis=0), np.array(image.shape[1::-1])
    if (high < 0).any() or (low > size - 1).any() or (high - low > 2 * size).any():
        shown = f"{size[0]}x{size[1]} pixels"
        raise ValueError(f"corners {tuple(corners)} are outside a picture of {shown} or too far apart for it")
    top, right, bottom, left = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    width, height = max(2, round(float(top + bottom) / 2) + 1), max(2, round(float(left + right) / 2) + 1)
    upright = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float32)
    matrix = cv2.getPerspectiveTransform(points, upright)
    return cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
