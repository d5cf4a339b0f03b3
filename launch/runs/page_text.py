"""Text on pages that Matplotlib draws, in OpenCV's built-in font, which has Chinese.

Matplotlib's own text depends on the installed fonts.
"""

import functools
import textwrap
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

INK = 60
"""Grey level of text, 0 to 255."""
DPI, WIDTH = 120, 11
"""Dots per inch, and inches of the page's width."""
GLYPH = 30
"""Font size in pixels at which text is drawn; it is shown at half the size, for smooth edges."""
LINE, LINES = 150, 4
"""Maximum number of characters of a line of findings, and of lines of each."""
PLACEHOLDER = "?"
"""Character that OpenCV draws in place of one that its font lacks."""


def findings(summary: Sequence[str]) -> UInt8[np.ndarray, "H W 4"]:
    """Lines of a summary, twice as large as they are shown."""
    lines = [line for finding in summary for line in _wrapped(drawable(finding))]
    pictures = [_drawn(line) for line in lines]
    together = np.zeros((sum(len(p) for p in pictures), max(p.shape[1] for p in pictures), 4), np.uint8)
    for number, picture in enumerate(pictures):
        together[number * len(picture) :][: len(picture), : picture.shape[1]] = picture
    return together


def _wrapped(text: str) -> list[str]:
    """Lines that fit the page; Chinese ones hold fewer characters."""
    lines = [text]
    for length in range(LINE, LINE // 3, -10):
        lines = textwrap.wrap(text, length, subsequent_indent="    ", max_lines=LINES, placeholder=" …")
        if max(_drawn(line).shape[1] for line in lines) <= 2 * DPI * (WIDTH - 1):
            break
    return lines


def put_text(axes: Axes, text: str, place: tuple[float, float], alignment: tuple[float, float], turned: bool = False):
    """Puts text at ``place`` (x in data, y as a share of the axes), with its ``alignment`` point there."""
    picture = _drawn(text)
    put_picture(axes, np.rot90(picture) if turned else picture, place, alignment)


def put_picture(axes: Axes, picture: np.ndarray, place: tuple[float, float], alignment: tuple[float, float]) -> None:
    """Puts a picture as `put_text` puts text, at half its size."""
    image = OffsetImage(picture, zoom=36 / DPI)
    coords = axes.get_xaxis_transform()
    axes.add_artist(AnnotationBbox(image, place, xycoords=coords, box_alignment=alignment, frameon=False, pad=0))


def _drawn(text: str) -> UInt8[np.ndarray, "H W 4"]:
    """Text on a transparent background, twice as large as it is shown."""
    font = cv2.FontFace("uni")
    left, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), font, GLYPH)
    picture = np.full((GLYPH + GLYPH // 3, max(1, left + width), 4), INK, np.uint8)
    ink = np.zeros(picture.shape[:2], np.uint8)
    cv2.putText(ink, text, (0, GLYPH), (255,), font, GLYPH)
    picture[..., 3] = ink
    return picture


def drawable(text: str) -> str:
    """Text with the code points of characters that OpenCV's font lacks."""
    return "".join(character if _has_glyph(character) else f"U+{ord(character):04X}" for character in text)


@functools.cache
def _has_glyph(character: str) -> bool:
    if character == PLACEHOLDER or not character.isprintable():
        return character == PLACEHOLDER
    return not np.array_equal(_drawn(character), _drawn(PLACEHOLDER))
