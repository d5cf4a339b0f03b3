"""From a picture file to the pixels a reader sees; training, evaluation and serving share these few lines.

Pictures are RGB or grayscale uint8, scaled to the model's height with their aspect ratio kept, or
stretched to its one size.
"""

import cv2
import numpy as np
from jaxtyping import UInt8

cv2.setNumThreads(1)  # the input pipeline runs many pictures at once; OpenCV's own threads would only compete
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # errors are raised here, with the file's name

WIDEST = 4096
"""Pixels after scaling. A wider picture is no line of text, and would take the memory of the others."""

_JPEG, _SCAN, _END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
"""Markers that open a JPEG file, its compressed pixels, and close it (ITU-T T.81, table B.1)."""


class UnreadableImageError(ValueError):
    """The bytes are not a picture that OpenCV can decode."""


def decode(encoded: bytes, channels: int, *, upright: bool = True) -> UInt8[np.ndarray, "H W C"]:
    """Decodes PNG, JPEG or any other format OpenCV knows; transparency is dropped.

    Grayscale is what `to_channels` makes of the colours, but that JPEG holds it ready (within rounding, for half the
    work).

    Args:
      encoded: the content of a picture file.
      channels: 1 for grayscale, 3 for RGB.
      upright: whether to turn the picture where Exif says how; else pixels are where the file has them.

    Raises:
      UnreadableImageError: the content is empty, cut short or no picture.
    """
    is_jpeg = encoded.startswith(_JPEG)
    if is_jpeg and encoded.endswith(b"\0\0") and encoded.find(_END, encoded.find(_SCAN)) < 0:
        raise UnreadableImageError("cut short: the file ends in zeros, as after a broken download")
    flag = cv2.IMREAD_GRAYSCALE if is_jpeg and channels == 1 else cv2.IMREAD_COLOR_RGB
    if not upright:
        flag |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), flag) if encoded else None
    except cv2.error as error:
        raise UnreadableImageError(f"OpenCV cannot decode it: {error.err}") from error
    if image is None:
        raise UnreadableImageError(f"not a picture that OpenCV can decode ({len(encoded)} bytes), or cut short")
    return image[..., None] if image.ndim == 2 else to_channels(image, channels)


def to_channels(image: UInt8[np.ndarray, "H W 3"], channels: int) -> UInt8[np.ndarray, "H W C"]:
    """An RGB picture as it is (3), or as grayscale (1)."""
    if channels == 3:
        return image
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]


def scaled_width(height: int, width: int, target_height: int) -> int:
    """The width in pixels of a ``height`` by ``width`` picture scaled to ``target_height``; at least 1."""
    return max(1, round(width * target_height / height))


def scale(image: UInt8[np.ndarray, "H W C"], target_height: int, target_width: int = 0) -> UInt8[np.ndarray, "Y X C"]:
    """Scales by area when the height shrinks, bilinear when it grows.

    Args:
      image: any size.
      target_height: pixels.
      target_width: pixels to which it is stretched; 0 keeps the aspect ratio.
    """
    height, width, channels = image.shape
    size = (target_width or scaled_width(height, width, target_height), target_height)
    if (width, height) == size:
        return image
    how = cv2.INTER_AREA if height > target_height else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=how).reshape(target_height, size[0], channels)
