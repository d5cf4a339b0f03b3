"""Sizes that picture files claim in their headers, so that bombs are refused before anything is decoded."""

import re

from recog.tiff_tags import tiff_tags

_JPEG_FRAME = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]")
"""Markers of segments with the frame's size (ITU-T T.81, table B.1)."""
_JPEG_SEGMENT = re.compile(rb"\xff[^\x00\x01\xd0-\xd9\xff]")
_PNM = re.compile(rb"P[1-6](?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)\s")
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
FORMATS = "PNG, JPEG, GIF, BMP, WebP, TIFF and PNM"


def claimed_size(content: bytes) -> tuple[int, int] | None:
    """Height and width in pixels by the header, not turned by an Exif orientation; None for other content.

    `FORMATS` are known.
    """
    size = _claimed(content)
    return size if size and min(size) > 0 else None


def _claimed(content: bytes) -> tuple[int, int] | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _big(content[20:24]), _big(content[16:20])
    if content.startswith(b"\xff\xd8"):
        return _of_jpeg(content)
    if content.startswith((b"GIF87a", b"GIF89a")):
        return _little(content[8:10]), _little(content[6:8])
    if content.startswith(b"BM"):
        if content[14:18] == b"\x0c\0\0\0":  # OS/2
            return _little(content[20:22]), _little(content[18:20])
        return abs(int.from_bytes(content[22:26], "little", signed=True)), _little(content[18:22])
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _of_webp(content)
    if content.startswith((b"II*\0", b"MM\0*")):
        tags = tiff_tags(content)
        return tags.get(_TIFF_HEIGHT, 0), tags.get(_TIFF_WIDTH, 0)
    found = _PNM.match(content[:1024])
    return (_number(found[2]), _number(found[1])) if found else None


def _of_jpeg(content: bytes) -> tuple[int, int] | None:
    place = 2
    while found := _JPEG_SEGMENT.search(content, place):
        place = found.end()
        if _JPEG_FRAME.match(found[0]):
            return _big(content[place + 3 : place + 5]), _big(content[place + 5 : place + 7])
        place += _big(content[place : place + 2])
    return None


def _of_webp(content: bytes) -> tuple[int, int] | None:
    match content[12:16]:
        case b"VP8 ":
            return _little(content[28:30]) & 0x3FFF, _little(content[26:28]) & 0x3FFF
        case b"VP8L":
            bits = _little(content[21:25])
            return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
        case b"VP8X":
            return _little(content[27:30]) + 1, _little(content[24:27]) + 1
    return None


def _big(number: bytes) -> int:
    return int.from_bytes(number, "big")


def _little(number: bytes) -> int:
    return int.from_bytes(number, "little")


def _number(digits: bytes) -> int:
    """The number; a huge one for more digits than any picture's size has."""
    return int(digits) if len(digits) < 10 else 10**9
