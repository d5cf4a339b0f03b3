"""Order of right-to-left texts: as they are typed and stored (logical), and as a picture shows them (visual).

Readers emit tokens from left to right. Hebrew and Arabic are stored in the order of speech, which runs from right to
left in a picture, while numbers and Latin words within them run from left to right (Unicode Standard Annex 9).
"""

import unicodedata

from bidi.algorithm import get_display

ARABIC_MARK = "\u061c"
"""Arabic letter mark: numbers after it are ordered as in Arabic, where each part of ``12-34`` stands by itself."""


KNOWN = {"L", "R", "AL", "EN", "ES", "ET", "AN", "CS", "NSM", "BN", "B", "S", "WS", "ON"}
"""Bidirectional classes of characters that are shown; others are controls, or not assigned."""


def right_to_left(text: str) -> bool:
    """Whether a text holds characters that are written from right to left, and none of an unknown direction."""
    classes = {unicodedata.bidirectional(character) for character in text}
    return bool(classes & {"R", "AL"}) and classes <= KNOWN


def to_visual(text: str) -> str:
    """Characters of a stored text from left to right, as a line of right-to-left text shows them.

    Texts without right-to-left characters stay as they are.
    """
    return str(get_display(text, base_dir="R")) if right_to_left(text) else text


def to_logical(text: str) -> str:
    """Stored text that is shown as ``text``, the characters of a line from left to right.

    A line can have several readings: numbers beside Latin words in a right-to-left line are ambiguous. The result is
    shown as ``text`` wherever one of the usual readings is.
    """
    if not right_to_left(text):
        return text
    readings = to_visual(text), to_visual(ARABIC_MARK + text).replace(ARABIC_MARK, "")
    return next((reading for reading in readings if to_visual(reading) == text), readings[0])
