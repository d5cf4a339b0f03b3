"""Transparent pictures, which are composited over a plain ground.

The ground is white, or black where the ink is light: where the mean luma of the pixels, weighted by their opacity, is
above `LIGHT`. So ink of one colour always differs from its ground by half of the range or more. Pictures that are
opaque throughout keep their pixels; those that are transparent throughout become white.
"""

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from recog.tiff_tags import ORIENTATION, PHOTOMETRIC, SAMPLES, tiff_tags

LIGHT = 127.5
"""Mean luma above which ink is light, and the ground black."""

_PNG, _GIF, _JPEG_2000 = b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\0\0\0\x0cjP  "
_AFTER_HEADER = 33
"""Length of a PNG file's signature and header chunk."""
_PNG_WITH_ALPHA = (b"\4", b"\6")
"""Colour types of grey and of RGB with alpha (PNG, table 11.1)."""
_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
"""OpenCV's flip by Exif orientation; orientations from 5 on are transposed before."""


def composite(rgba: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "H W 3"]:
    """Puts a picture on a plain ground."""
    return _on_ground(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), rgba[..., 3])


def _on_ground(rgb: UInt8[np.ndarray, "H W 3"], alpha: UInt8[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """Composites; products of two bytes fit into 16 bits."""
    if alpha.min() == 255:
        return rgb
    opacity, luma = alpha.astype(np.uint16), cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    is_light = int((opacity * luma).sum(dtype=np.int64)) > LIGHT * int(opacity.sum(dtype=np.int64))
    ground, opacity = (0 if is_light else 255), opacity[..., None]
    return ((rgb * opacity + ground * (255 - opacity) + 127) // 255).astype(np.uint8)


def may_be_transparent(encoded: bytes) -> bool:
    """Whether the header of a picture file allows transparent pixels; true as well where only decoding can tell."""
    if encoded.startswith(_PNG):
        return encoded[25:26] in _PNG_WITH_ALPHA or bool(_png_chunk(encoded, b"tRNS"))
    if encoded.startswith(b"RIFF"):
        return _has_webp_alpha(encoded)
    if encoded.startswith(b"BM"):
        return _has_bmp_alpha(encoded)
    if encoded[4:8] == b"ftyp":
        return b":auxiliary:alpha" in encoded[:4096]  # AVIF's auxiliary picture
    if encoded.startswith((_GIF, _JPEG_2000)):
        return True
    tags = tiff_tags(encoded)
    return tags.get(PHOTOMETRIC) == 2 and tags.get(SAMPLES, 3) > 3


def loses_transparency(encoded: bytes) -> bool:
    """Whether a file is a grey TIFF with alpha, which OpenCV leaves out."""
    tags = tiff_tags(encoded)
    return bool(tags) and tags.get(PHOTOMETRIC) in (0, 1) and tags.get(SAMPLES, 1) > 1


def decode_transparent(encoded: bytes, *, upright: bool) -> UInt8[np.ndarray, "H W 3"] | None:
    """Decodes a picture file with its alpha, and composites it; None for a file without alpha.

    Args:
      encoded: content of a file that `may_be_transparent`.
      upright: whether to rotate the picture by its Exif orientation.

    Raises:
      cv2.error: not decodable.
    """
    buffer = np.frombuffer(encoded, np.uint8)
    picture, kinds, metadata = cv2.imdecodeWithMetadata(buffer, cv2.IMREAD_UNCHANGED)
    alpha = None if picture is None else _alpha(encoded, picture)
    if alpha is None:
        return None
    if picture.ndim == 3 and picture.dtype == np.uint8:
        rgb = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB)
    else:  # OpenCV's own conversion of 16 bits to 8, as for opaque files
        rgb = cv2.imdecode(buffer, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if rgb is None:
        return None
    if tiff_tags(encoded):
        rgb = _straight(rgb, alpha)
    flat = _on_ground(rgb, alpha)
    exif = dict(zip(kinds, metadata, strict=True)).get(cv2.IMAGE_METADATA_EXIF)
    if not upright or exif is None:
        return flat
    return _oriented(flat, tiff_tags(exif.tobytes()).get(ORIENTATION, 1))


def _png_chunk(encoded: bytes, kind: bytes) -> bytes:
    """Data of the first chunk of this kind before the pixels; empty if there is none."""
    place = _AFTER_HEADER
    while (found := encoded[place + 4 : place + 8]) not in (b"", b"IDAT"):
        length = int.from_bytes(encoded[place : place + 4], "big")
        if found == kind:
            return encoded[place + 8 : place + 8 + length]
        place += 12 + length
    return b""


def _has_webp_alpha(encoded: bytes) -> bool:
    """The alpha bit of an extended or a lossless WebP file; simple lossy files have no alpha."""
    match encoded[12:16]:
        case b"VP8X":
            return bool(int.from_bytes(encoded[20:21]) & 0x10)
        case b"VP8L":
            return bool(int.from_bytes(encoded[24:25]) & 0x10)
        case _:
            return False


def _has_bmp_alpha(encoded: bytes) -> bool:
    """Whether a BMP file of 32 bits has a mask for alpha, which headers of 56 bytes or more hold."""
    size, bits = int.from_bytes(encoded[14:18], "little"), int.from_bytes(encoded[28:30], "little")
    return size >= 56 and bits == 32 and any(encoded[66:70])


def _alpha(
    encoded: bytes, picture: UInt8[np.ndarray, "..."] | UInt16[np.ndarray, "..."]
) -> UInt8[np.ndarray, "H W"] | None:
    """Opacity of an unchanged decoded picture; None if it has none."""
    if picture.dtype not in (np.uint8, np.uint16):
        return None
    if picture.ndim == 2 and encoded.startswith(_PNG):
        return _grey_key(encoded, picture)
    if picture.ndim != 3 or picture.shape[2] != 4:
        return None
    alpha = picture[..., 3]
    if encoded.startswith(b"BM") and not alpha.any():
        return None  # many programs leave alpha at zero, and viewers show such files as opaque
    return alpha if alpha.dtype == np.uint8 else (alpha // 257).astype(np.uint8)


def _grey_key(encoded: bytes, picture: np.ndarray) -> UInt8[np.ndarray, "H W"] | None:
    """Opacity of a grey PNG in which one value is transparent, which OpenCV leaves out."""
    key = _png_chunk(encoded, b"tRNS")
    if len(key) != 2:
        return None
    bits = encoded[24]
    value = int.from_bytes(key, "big") & (2**bits - 1)
    if bits < 8:
        value = value * 255 // (2**bits - 1)  # as the pixels are expanded
    return np.where(picture == value, 0, 255).astype(np.uint8)


def _straight(rgb: UInt8[np.ndarray, "H W 3"], alpha: UInt8[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """Divides colours by their opacity, unless one exceeds it and so none was multiplied.

    libtiff multiplies those of 8 bits; other TIFF files rarely tell how they were written.
    """
    opacity = alpha[..., None].astype(np.uint16)
    if (rgb > opacity).any():
        return rgb
    return ((rgb * np.uint16(255) + opacity // 2) // np.maximum(opacity, 1)).astype(np.uint8)


def _oriented(picture: UInt8[np.ndarray, "H W 3"], orientation: int) -> UInt8[np.ndarray, "H W 3"]:
    """Turns a picture upright by its Exif orientation, 1 to 8."""
    if 5 <= orientation <= 8:
        picture = cv2.transpose(picture)
    return cv2.flip(picture, _FLIPS[orientation]) if orientation in _FLIPS else picture
