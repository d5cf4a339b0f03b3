"""Decoding and scaling of pictures.

Pictures are RGB or grayscale uint8, scaled to the model's height with their aspect ratio kept, stretched to its fixed
size, or fitted into that.
"""

import cv2
import numpy as np
from jaxtyping import UInt8

from recog.jpeg_segments import has_end
from recog.transparency import decode_transparent, loses_transparency, may_be_transparent

cv2.setNumThreads(1)  # the input pipeline processes pictures in parallel; OpenCV's threads would compete with it
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # errors are raised as exceptions instead

WIDEST = 4096
"""Maximum width in pixels after scaling; wider pictures are not lines of text, and would need too much memory."""

_JPEG = b"\xff\xd8"
"""Start of a JPEG file."""


class UnreadableImageError(ValueError):
    """The content is not a picture that OpenCV can decode."""


def decode(encoded: bytes, channels: int, *, upright: bool = True) -> UInt8[np.ndarray, "H W C"]:
    """Decodes PNG, JPEG or any other format that OpenCV supports; transparent pictures are composited.

    Grayscale is computed by `to_channels`, except for JPEG, which stores it (the same within rounding, for half the
    time). The ground under transparency is that of `recog.transparency`.

    Args:
      encoded: content of a picture file.
      channels: 1 for grayscale, 3 for RGB.
      upright: whether to rotate the picture by its Exif orientation.

    Raises:
      UnreadableImageError: the content is empty, cut short or not a picture, or its transparency cannot be decoded.
    """
    is_jpeg = encoded.startswith(_JPEG)
    if is_jpeg and encoded.endswith(b"\0\0") and not has_end(encoded):
        raise UnreadableImageError("cut short: the file ends in zeros, as after a broken download")
    if not is_jpeg and loses_transparency(encoded):
        raise UnreadableImageError("a grey TIFF with transparency, which OpenCV cannot decode: save it as PNG")
    flag = cv2.IMREAD_GRAYSCALE if is_jpeg and channels == 1 else cv2.IMREAD_COLOR_RGB
    try:
        image = None
        if not is_jpeg and may_be_transparent(encoded):
            image = decode_transparent(encoded, upright=upright)
        if image is None and encoded:
            flag = flag if upright else flag | cv2.IMREAD_IGNORE_ORIENTATION
            image = cv2.imdecode(np.frombuffer(encoded, np.uint8), flag)
    except cv2.error as error:
        raise UnreadableImageError(f"OpenCV cannot decode it: {error.err}") from error
    if image is None:
        raise UnreadableImageError(f"not a picture that OpenCV can decode ({len(encoded)} bytes), or cut short")
    return image[..., None] if image.ndim == 2 else to_channels(image, channels)


def to_channels(image: UInt8[np.ndarray, "H W 3"], channels: int) -> UInt8[np.ndarray, "H W C"]:
    """Converts an RGB picture to grayscale (1), or returns it unchanged (3)."""
    if channels == 3:
        return image
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]


def turned(image: UInt8[np.ndarray, "H W ..."], degrees: int) -> UInt8[np.ndarray, "W H ..."]:
    """Turns a picture clockwise by 90 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(image, -degrees // 90))


def scaled_width(height: int, width: int, target_height: int) -> int:
    """Width in pixels of a picture of ``height`` by ``width`` after scaling to ``target_height``; at least 1."""
    return max(1, round(width * target_height / height))


def fitted_size(height: int, width: int, rows: int, columns: int) -> tuple[int, int]:
    """Height and width in pixels of a picture after scaling to fit into ``rows`` by ``columns``; at least 1."""
    factor = min(rows / height, columns / width)
    return max(1, min(rows, round(height * factor))), max(1, min(columns, round(width * factor)))


def scale(image: UInt8[np.ndarray, "H W C"], target_height: int, target_width: int = 0) -> UInt8[np.ndarray, "Y X C"]:
    """Scales a picture: by area averaging if its height decreases, otherwise bilinearly.

    Args:
      image: picture of any size.
      target_height: height in pixels.
      target_width: width in pixels; 0 keeps the aspect ratio.
    """
    height, width, channels = image.shape
    size = (target_width or scaled_width(height, width, target_height), target_height)
    if (width, height) == size:
        return image
    interpolation = cv2.INTER_AREA if height > target_height else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=interpolation).reshape(target_height, size[0], channels)
