"""Sizes of encoded pictures, from the headers of PNG and JPEG files; others are decoded."""

from recog.images import decode
from recog.tiff_tags import ORIENTATION, tiff_tags

_PNG, _JPEG, _EXIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"Exif\0\0"
_APP1, _SCAN = 0xE1, 0xDA
"""Marker of the segment with the Exif block, and of the one after which pixels follow."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of segments with the frame's size (ITU-T T.81, table B.1)."""


def picture_size(encoded: bytes) -> tuple[int, int]:
    """Height and width in pixels of the picture that `recog.images.decode` returns, turned by its Exif orientation.

    Raises:
      UnreadableImageError: a picture whose header does not hold its size cannot be decoded.
    """
    size = _of_png(encoded) if encoded.startswith(_PNG) else _of_jpeg(encoded) if encoded.startswith(_JPEG) else None
    if size and min(size):
        return size
    height, width, _ = decode(encoded, 1).shape
    return height, width


def _of_png(encoded: bytes) -> tuple[int, int] | None:
    """Size in the first chunk; None if there may be an Exif block, or if the chunk is another one."""
    if encoded[12:16] != b"IHDR" or len(encoded) < 24 or b"eXIf" in encoded or b"Exif" in encoded:
        return None
    return int.from_bytes(encoded[20:24], "big"), int.from_bytes(encoded[16:20], "big")


def _of_jpeg(encoded: bytes) -> tuple[int, int] | None:
    """Size in the frame's segment, turned; None if there is none before the pixels."""
    place, across = 2, False
    while place + 9 < len(encoded) and encoded[place] == 0xFF:
        marker, length = encoded[place + 1], int.from_bytes(encoded[place + 2 : place + 4], "big")
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        segment = encoded[place + 4 : place + 2 + length]
        if marker in _FRAMES:
            height, width = (int.from_bytes(segment[start : start + 2], "big") for start in (1, 3))
            return (width, height) if across else (height, width)
        if marker == _SCAN:
            return None
        if marker == _APP1 and segment.startswith(_EXIF):
            across = tiff_tags(segment[len(_EXIF) :]).get(ORIENTATION, 1) in range(5, 9)
        place += 2 + length
    return None
