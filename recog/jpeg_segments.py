"""Segments of a JPEG file (ITU-T T.81, annex B)."""

import re

_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
"""A marker followed by a segment, or the end marker; 0xFF before zero is a pixel's data, before 0xFF a fill byte."""
_SCAN, _END = b"\xff\xda", b"\xff\xd9"


def has_end(encoded: bytes) -> bool:
    """Whether the picture's compressed pixels are followed by its end marker.

    Segments are skipped by their lengths, because an Exif thumbnail is a JPEG file inside a segment.
    """
    place, scanned = 2, False
    while found := _MARKER.search(encoded, place):
        place = found.end()
        if found[0] == _END:
            return scanned
        scanned = scanned or found[0] == _SCAN
        place += int.from_bytes(encoded[place : place + 2], "big")
    return False
