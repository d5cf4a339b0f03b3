"""Numbers in the first directory of a TIFF file, or of an Exif block, which has the same form (TIFF 6.0, section 2)."""

from typing import Literal

PHOTOMETRIC, SAMPLES, BITS, ORIENTATION = 262, 277, 258, 274
"""Tags of the meaning of pixels (0 and 1: grey, 2: RGB), samples per pixel, bits per sample, and orientation."""

_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II*\0": "little", b"MM\0*": "big"}
_SIZES = {3: 2, 4: 4}
"""Bytes of a number by type: SHORT and LONG."""


def tiff_tags(content: bytes) -> dict[int, int]:
    """Returns the first number of each SHORT or LONG entry by its tag; nothing for content that is not TIFF."""
    order = _ORDERS.get(content[:4])
    if order is None:
        return {}

    def number(place: int, size: int) -> int:
        return int.from_bytes(content[place : place + size], order)

    start, found = number(4, 4), {}
    for place in range(start + 2, start + 2 + 12 * number(start, 2), 12):
        size = _SIZES.get(number(place + 2, 2))
        if size:
            inline = number(place + 4, 4) * size <= 4  # longer lists lie elsewhere
            found[number(place, 2)] = number(place + 8 if inline else number(place + 8, 4), size)
    return found
