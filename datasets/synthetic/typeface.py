"""Masks of lines of text, in OpenCV's outline fonts or in faces of strokes or dots that are drawn here.

Outlines have every character of OpenCV's and matplotlib's fonts, strokes and dots have those of `STROKED`. One set of
centre lines gives many stroke faces, which differ in the shape of curves, the width of characters and the weight of
strokes. Glyphs are cached.
"""

import dataclasses
import functools
import math
import string
import zlib
from typing import Literal, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from datasets.synthetic.centre_lines import BEND, DOTS, STROKED, displace, strokes_of, trace
from datasets.synthetic.fonts import FONTS, write

Mask = UInt8[np.ndarray, "H W"]
"""Ink 255, paper 0."""
Family = Literal[
    "sans", "italic", "uni", "wide", "mono", "serif", "roman", "slanted", "typewriter",
    "plain", "based", "slab", "angular", "slashed", "grotesque", "dots",
]  # fmt: skip
"""``sans``, ``italic`` and ``uni`` are OpenCV's outlines, ``wide`` to ``typewriter`` matplotlib's
(`datasets.synthetic.fonts`), ``dots`` is the 5x7 matrix of a printer, the others are strokes: a plain sans serif; a 1
with a base; a typewriter's slab serifs; straight 6, 7, 9 and flat 3; a slashed 0; an I without serifs."""

OUTLINES: tuple[Family, ...] = ("sans", "italic", "uni", *FONTS)
STROKES: tuple[Family, ...] = ("plain", "based", "slab", "angular", "slashed", "grotesque")

ABOVE, CAPITAL, BELOW = 9, 40, 14
"""Pixels above digits and capitals, height of digits and capitals, pixels below the baseline."""
CELL = ABOVE + CAPITAL + BELOW
"""Height of every mask, pixels."""
SPACE = 0.55
"""Usual width of a space in proportional text, as a share of the height of capitals."""


@dataclasses.dataclass(frozen=True)
class Face:
    """Appearance of characters. Outlines use family and weight only.

    Attributes:
      family: family of shapes.
      weight: thickness of a stroke as a share of the height of capitals: 0.06 is light, 0.24 heavy.
      aspect: width of a digit divided by its height.
      square: exponent of the superellipses of curves: 2 is elliptical, 8 almost rectangular.
      flat: whether strokes end flat, as from a square pen, instead of round.
      own: whether the centre lines of digits are bent slightly, differently for each face, so that faces differ in
        shape as typefaces do.
    """

    family: Family
    weight: float = 0.12
    aspect: float = 0.55
    square: float = 2.0
    flat: bool = False
    own: bool = False


def heaviest(aspect: float) -> float:
    """Maximum weight at which the counters (holes) of stroke digits stay open."""
    return (aspect - 0.09) / 2.9


class Line(NamedTuple):
    """A line of text."""

    mask: Mask
    """Ink 255, `CELL` rows."""
    spans: list[tuple[int, int]]
    """First column of each character's ink and the column after its last; spaces are omitted."""


def draw_line(text: str, face: Face, gap: float, pitch: float = 0.0, align: float = 0.5, space: float = SPACE) -> Line:
    """Draws an upright line of text.

    Args:
      text: characters of the face, of which at least one is not a space.
      face: face of all characters.
      gap: pixels between the ink of neighbours in proportional text, at least 1.
      pitch: pixels from character to character in fixed-pitch text, increased if the widest character needs more; 0 for
        proportional text.
      align: position of narrow characters in their cell in fixed-pitch text, from 0 (left) to 1 (right).
      space: width of a space in proportional text, as a share of the height of capitals.

    Raises:
      ValueError: the text is blank, or contains a character that the face cannot draw.
    """
    if not text.strip():
        raise ValueError(f"text {text!r} is blank: give at least one character other than a space")
    face = _normalize(face)
    glyphs = [draw_glyph(character, face) for character in text]
    widths = [glyph.shape[1] for glyph in glyphs]
    if pitch:
        step = max(pitch, max(widths) + 1.0)
        lefts = [place * step + align * (step - width) for place, width in enumerate(widths)]
    else:
        blank = space * CAPITAL
        steps = [blank if character == " " else width + gap for character, width in zip(text, widths, strict=True)]
        lefts = [sum(steps[:place]) for place in range(len(steps))]
    inked = [(round(left), glyph) for left, glyph, sign in zip(lefts, glyphs, text, strict=True) if sign != " "]
    start = min(left for left, _ in inked)
    mask = np.zeros((CELL, max(left + glyph.shape[1] for left, glyph in inked) - start), np.uint8)
    spans = []
    for left, glyph in inked:
        span = left - start, left - start + glyph.shape[1]
        np.maximum(mask[:, slice(*span)], glyph, out=mask[:, slice(*span)])
        spans.append(span)
    return Line(mask, spans)


def _normalize(face: Face) -> Face:
    """Resets the attributes that the face's family does not use, so that fewer glyphs are drawn and cached."""
    if face.family in OUTLINES:
        return Face(face.family, face.weight)
    return dataclasses.replace(face, square=2.0, own=False) if face.family == "dots" else face


@functools.lru_cache(maxsize=32768)
def draw_glyph(character: str, face: Face) -> UInt8[np.ndarray, "CELL w"]:
    """Mask of a character, as wide as its ink and read-only; a space is 1 pixel wide and empty.

    Raises:
      ValueError: the face cannot draw the character.
    """
    if character == " ":
        mask = np.zeros((CELL, 1), np.uint8)
    elif face.family in OUTLINES:
        mask = _outlined(character, face)
    elif character not in STROKED:
        raise ValueError(f"face {face.family!r} cannot draw {character!r}: use one of {', '.join(OUTLINES)}")
    else:
        mask = _dotted(character, face) if face.family == "dots" else _stroked(character, face)
    columns = np.flatnonzero(mask.max(axis=0) > 64)
    if character != " ":
        if not len(columns):
            raise ValueError(f"face {face.family!r} draws {character!r} without any ink: leave it out")
        mask = mask[:, columns[0] : columns[-1] + 1].copy()
    mask.flags.writeable = False
    return mask


_EM = 100  # pixels per em of the outlines, before they are scaled


def _outlined(character: str, face: Face) -> Mask:
    """Draws a character of a font, scaled so that the font's zero (an H of matplotlib's) is `CAPITAL` pixels tall."""
    ink, baseline = _write(character, face)
    scale = CAPITAL / _digit_height(face)
    affine = np.array([[scale, 0, 2], [0, scale, ABOVE + CAPITAL - scale * baseline]])
    blurred = cv2.GaussianBlur(ink, (0, 0), 0.35 / scale)  # without the blur, skipped pixels would alias
    return cv2.warpAffine(blurred, affine, (math.ceil(scale * ink.shape[1]) + 4, CELL))


def _write(character: str, face: Face) -> tuple[Mask, int]:
    """Draws a character of a font on a canvas of its own; returns the canvas and the row of the baseline."""
    if face.family in FONTS:
        return write(character, face.family, face.weight, _EM)
    canvas = np.zeros((2 * _EM, 2 * _EM), np.uint8)
    baseline = _EM + _EM // 4
    weight = int(np.interp(face.weight, (0.06, 0.24), (250, 900)))
    # The font face is made here because OpenCV's font engine is bound to the calling thread.
    cv2.putText(canvas, character, (_EM // 4, baseline), (255,), cv2.FontFace(face.family), _EM, weight)
    if face.family == "uni" and (grow := round((face.weight - 0.11) * 0.7 * _EM)) > 0:  # the font has a single weight
        canvas = cv2.dilate(canvas, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (grow + 1, grow + 1)))
    return canvas, baseline


@functools.cache
def _digit_height(face: Face) -> float:
    return float(cv2.boundingRect(_write("H" if face.family in FONTS else "0", face)[0])[3])


_OVERSAMPLE = 3


def _stroked(character: str, face: Face) -> Mask:
    """Draws centre lines with a pen; thicker pens move the lines inwards, so that characters keep their height."""
    strokes = strokes_of(character, face.family)
    pen = max(1, round(face.weight * CAPITAL * _OVERSAMPLE))
    # Horizontal strokes of heavy faces are thinner, or they would meet.
    thin = max(1, round(pen * (1 - 2 * max(0, face.weight - 0.1))))
    tall = CAPITAL * _OVERSAMPLE - thin
    wide = max(CAPITAL * _OVERSAMPLE * face.aspect - pen, 0.6 * pen)
    left = 0.4 * wide + 2 * pen
    canvas = np.zeros((CELL * _OVERSAMPLE, round(2 * left + 1.3 * wide)), np.uint8)
    amplitudes = _amplitudes(character, face) if face.own and character in string.digits else np.zeros((2, 3))
    for stroke in strokes:
        points = displace(trace(stroke, face.square), amplitudes) * (wide, tall) + (
            left,
            ABOVE * _OVERSAMPLE + thin / 2,
        )
        cv2.polylines(canvas, [np.rint(points * 16).astype(np.int32)], False, (255,), 2, cv2.LINE_AA, 4)
    size = (round(pen * 1.2),) * 2 if character in ".," else (pen, thin)
    nib = cv2.getStructuringElement(cv2.MORPH_RECT if face.flat else cv2.MORPH_ELLIPSE, size)
    width = math.ceil(canvas.shape[1] / _OVERSAMPLE)
    return cv2.resize(cv2.dilate(canvas, nib), (width, CELL), interpolation=cv2.INTER_AREA)


def _amplitudes(character: str, face: Face) -> Float[np.ndarray, "2 3"]:
    """Amplitudes of bow, lean and shift in x and y of a character, a function of character and face."""
    number = zlib.crc32(repr((character, dataclasses.astuple(face))).encode())
    return np.random.default_rng(number).uniform(-BEND, BEND, (2, 3))


def _dotted(character: str, face: Face) -> Mask:
    """Draws a matrix printer's dots, whose size is the face's weight; neighbours overlap above a weight of 0.14."""
    columns = bytes.fromhex(DOTS[character])
    down = CAPITAL / 7
    across = CAPITAL * face.aspect / 5
    size = 4
    half = max(face.weight, 0.06) * CAPITAL / 2
    left = half + 2
    canvas = np.zeros((CELL * size, math.ceil((2 * left + 5 * across) * size)), np.uint8)
    for place, column in enumerate(columns):
        for row in range(8):
            if column >> row & 1:
                x, y = (left + (place + 0.5) * across) * size, (ABOVE + (row + 0.5) * down) * size
                centre, reach = (round(x), round(y)), round(half * size)
                if face.flat:
                    cv2.rectangle(
                        canvas, (centre[0] - reach, centre[1] - reach, 2 * reach, 2 * reach), (255,), cv2.FILLED
                    )
                else:
                    cv2.circle(canvas, centre, reach, (255,), cv2.FILLED)
    return cv2.resize(canvas, (canvas.shape[1] // size, CELL), interpolation=cv2.INTER_AREA)


def rasterize(mask: Mask, dots: int, round_dots: bool = False) -> Mask:
    """Converts a line to the dots of a print head, at the same size.

    Args:
      mask: a line, `CELL` rows.
      dots: rows of dots from the top of capitals to the baseline, at least 7.
      round_dots: whether dots are round and separate (needle printers) or fill their cells (thermal printers).
    """
    height, width = mask.shape
    step = CAPITAL / dots
    small = max(1, round(width / step)), max(1, round(height / step))
    coarse = cv2.resize(mask, small, interpolation=cv2.INTER_AREA)
    coarse = cv2.threshold(coarse, 120, 255, cv2.THRESH_BINARY)[1]
    if not round_dots:
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    side = 6
    spread = cv2.resize(coarse, (small[0] * side, small[1] * side), interpolation=cv2.INTER_NEAREST)
    return cv2.resize(cv2.bitwise_and(spread, _needles(*small, side)), (width, height), interpolation=cv2.INTER_AREA)


@functools.lru_cache(maxsize=2048)
def _needles(across: int, down: int, side: int) -> Mask:
    cell = np.zeros((side, side), np.uint8)
    cv2.circle(cell, (side // 2, side // 2), side // 2, (255,), cv2.FILLED)
    return np.tile(cell, (down, across))
