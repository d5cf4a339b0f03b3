"""Masks of the characters of Chinese licence plates: tall and narrow, with strokes of one width.

Digits and Latin letters are drawn from strokes that imitate the standard GA 36, and so is the one Chinese character
that could be compared with photographs of plates; the others come from OpenCV's font, stretched to the plate's
proportions. Masks are cached.
"""

import functools
import math

import cv2
import numpy as np
from jaxtyping import Float, UInt8

WIDTH, HEIGHT = 45, 90
"""Width and height of a character on the plate, millimetres."""

Stroke = list[tuple[float, float]]


def _arc(x: float, y: float, across: float, down: float, start: float, stop: float) -> Stroke:
    """Points of an elliptical arc, given by centre, half axes, and angles in degrees, clockwise from the right."""
    turns = np.radians(np.linspace(start, stop, 13))
    return [(x + across * math.cos(turn), y + down * math.sin(turn)) for turn in turns]


def _rounded(left: float, top: float, right: float, bottom: float, radius: float) -> Stroke:
    """Points of a closed rectangle with round corners."""
    corners = [(right, top, -90), (right, bottom, 0), (left, bottom, 90), (left, top, 180)]
    points = []
    for x, y, start in corners:
        inward = (x - math.copysign(radius, x - (left + right) / 2), y - math.copysign(radius, y - (top + bottom) / 2))
        points += _arc(*inward, radius, radius, start, start + 90)
    return [*points, points[0]]


# Centre lines of the strokes in millimetres, in a character of 45 x 90 mm, for strokes about 10 mm wide.
_STROKES: dict[str, list[Stroke]] = {
    "0": [_rounded(5, 5, 40, 85, 15)],
    "1": [[(12, 17), (24, 5), (24, 85)]],
    "2": [[*_arc(22.5, 23, 17, 18, -175, 30), (5, 85), (41, 85)]],
    "3": [[(6, 5), (39, 5), (22, 37), *_arc(21, 61, 19, 24, -80, 145)]],
    "4": [[(27, 5), (5, 65), (42, 65)], [(31, 42), (31, 86)]],
    "5": [[(38, 5), (10, 5), (7, 43), *_arc(22, 60, 18, 25, -130, 140)]],
    "6": [[(28, 5), *_arc(22.5, 61, 17.5, 24, -168, -180)], _rounded(5, 37, 40, 85, 16)],
    "7": [[(5, 5), (40, 5), (20, 85)]],
    "8": [_rounded(8, 5, 37, 42, 13), _rounded(5, 42, 40, 85, 15)],
    "9": [_rounded(5, 5, 40, 53, 16), [(40, 29), *_arc(22.5, 29, 17.5, 24, 0, 12), (17, 85)]],
    "A": [[(4, 86), (22.5, 5), (41, 86)], [(10, 60), (35, 60)]],
    "B": [
        [(6, 5), (6, 85)],
        [(6, 5), *_arc(24, 24, 14, 19, -90, 90), (6, 43)],
        [(6, 43), *_arc(25, 64, 15, 21, -90, 90), (6, 85)],
    ],
    "C": [[*_arc(23, 21, 17, 16, -5, -180), *_arc(23, 69, 17, 16, 180, 5)]],
    "D": [[(6, 5), *_arc(21, 24, 18, 19, -90, 0), *_arc(21, 66, 18, 19, 0, 90), (6, 85), (6, 5)]],
    "E": [[(40, 5), (6, 5), (6, 85), (40, 85)], [(6, 43), (36, 43)]],
    "F": [[(40, 5), (6, 5), (6, 86)], [(6, 44), (36, 44)]],
    "G": [[*_arc(23, 21, 17, 16, -5, -180), *_arc(23, 69, 17, 16, 180, 0), (40, 50), (25, 50)]],
    "H": [[(6, 4), (6, 86)], [(39, 4), (39, 86)], [(6, 44), (39, 44)]],
    "J": [[(34, 4), *_arc(20, 70, 14, 15, 0, 170)]],
    "K": [[(6, 4), (6, 86)], [(38, 4), (7, 52)], [(17, 40), (40, 86)]],
    "L": [[(7, 4), (7, 85), (41, 85)]],
    "M": [[(5, 86), (5, 6), (22.5, 60), (40, 6), (40, 86)]],
    "N": [[(6, 86), (6, 6), (39, 84), (39, 4)]],
    "O": [_rounded(5, 5, 40, 85, 15)],
    "P": [[(6, 86), (6, 5), *_arc(23, 27, 16, 22, -90, 90), (6, 49)]],
    "Q": [_rounded(5, 5, 40, 83, 15), [(24, 64), (40, 87)]],
    "R": [[(6, 86), (6, 5), *_arc(23, 25, 15, 20, -90, 90), (6, 45)], [(22, 45), (40, 86)]],
    "S": [[*_arc(22.5, 23, 16, 18, -10, -190), (9, 36), (37, 55), *_arc(22.5, 66, 17, 19, -25, 170)]],
    "T": [[(3, 5), (42, 5)], [(22.5, 5), (22.5, 86)]],
    "U": [[(6, 4), *_arc(22.5, 68, 16.5, 17, 180, 0), (39, 4)]],
    "V": [[(4, 4), (22.5, 84), (41, 4)]],
    "W": [[(3, 4), (12, 84), (22.5, 30), (33, 84), (42, 4)]],
    "X": [[(4, 4), (41, 86)], [(41, 4), (4, 86)]],
    "Y": [[(4, 4), (22.5, 46), (41, 4)], [(22.5, 46), (22.5, 86)]],
    "Z": [[(6, 5), (39, 5), (6, 85), (40, 85)]],
}
_CHINESE: dict[str, list[Stroke]] = {
    "皖": [
        [(10, 5), (7, 18)],
        [(4, 19), (17, 19), (17, 64), (4, 64), (4, 19)],
        [(4, 41), (17, 41)],
        [(33, 3), (33, 11)],
        [(23, 26), (24, 17), (28, 12), (38, 12), (42, 17), (43, 26)],
        [(27, 33), (39, 33)],
        [(22, 48), (44, 48)],
        [(30, 48), (29, 70), (26, 79), (19, 86)],
        [(37, 48), (37, 78), (40, 85), (45, 85)],
    ],
}
"""Centre lines of Chinese characters in millimetres, for strokes about 6 mm wide."""
CHINESE_WEIGHT = 0.65
"""Stroke width of Chinese characters, as a share of the stroke width of digits and letters."""
_OVERSAMPLE = 4


@functools.lru_cache(maxsize=4096)
def plate_glyph(
    character: str, width: int, height: int, weight: float, printed: bool = False
) -> UInt8[np.ndarray, "{height} {width}"]:
    """Mask of a character that fills ``width`` times ``height`` pixels, ink 255; read-only.

    Args:
      character: a digit, a Latin capital or a Chinese character.
      width: pixels.
      height: pixels.
      weight: stroke width of digits and letters in millimetres; Chinese characters scale with it.
      printed: whether to use OpenCV's font even for a Chinese character with strokes of its own.
    """
    big = _OVERSAMPLE * width, _OVERSAMPLE * height
    if character in _STROKES:
        mask = _drawn(_STROKES[character], *big, weight)
    elif character in _CHINESE and not printed:
        mask = _drawn(_CHINESE[character], *big, CHINESE_WEIGHT * weight)
    else:
        mask = _printed(character, *big, weight)
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    mask.flags.writeable = False
    return mask


def bend(glyph: UInt8[np.ndarray, "H W"], amount: float, random: np.random.Generator) -> UInt8[np.ndarray, "H W"]:
    """Shifts the parts of a glyph within its box, which imitates another typeface.

    Args:
      glyph: ink, 0 to 255.
      amount: strength, from 0 to below 0.5: the lengths of parts change by at most the share ``2 * amount``, their
        positions by at most ``0.47 * amount`` of the box's sides.
      random: source of randomness.
    """
    height, width = glyph.shape
    down, across = (np.arange(height)[:, None] + 0.5) / height, (np.arange(width) + 0.5) / width
    x, y = _shifted(across, down, amount, random) * width - 0.5, _shifted(down, across, amount, random) * height - 0.5
    x, y = x.astype(np.float32), y.astype(np.float32)
    return cv2.remap(glyph, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _shifted(
    place: Float[np.ndarray, "..."], beside: Float[np.ndarray, "..."], amount: float, random: np.random.Generator
) -> Float[np.ndarray, "H W"]:
    """Source coordinates along one axis, 0 to 1: smooth, increasing, fixed at both ends, different along ``beside``."""
    once, twice, lean = random.uniform(-amount, amount, 3) / 3
    bow = (once + lean * np.cos(np.pi * beside)) * 2 * np.sin(np.pi * place)
    return place + (bow + twice * np.sin(2 * np.pi * place)) / np.pi


def _drawn(strokes: list[Stroke], width: int, height: int, weight: float) -> np.ndarray:
    canvas = np.zeros((height, width), np.uint8)
    room = (weight - 8) / 2  # strokes thicker than 8 mm move inwards, so that the character keeps its size
    scale = np.array([width / WIDTH, height / HEIGHT])
    shrink = np.array([1 - 2 * room / WIDTH, 1 - 2 * room / HEIGHT])
    for stroke in strokes:
        points = (np.array(stroke) * shrink + room) * scale
        thickness = max(1, round(weight * float(scale.mean())))
        cv2.polylines(canvas, [np.rint(points * 16).astype(np.int32)], False, (255,), thickness, cv2.LINE_AA, 4)
    return canvas


def _printed(character: str, width: int, height: int, weight: float) -> np.ndarray:
    size = height
    canvas = np.zeros((2 * size, 2 * size), np.uint8)
    # The font face is made here because OpenCV's font engine is bound to the calling thread.
    cv2.putText(canvas, character, (size // 2, size + size // 2), (255,), cv2.FontFace("uni"), size)
    x, y, across, down = cv2.boundingRect(canvas)
    ink = cv2.resize(canvas[y : y + down, x : x + across], (width, height), interpolation=cv2.INTER_AREA)
    grow = max(1, round((weight - 7) * width / WIDTH))
    return cv2.dilate(ink, np.ones((grow, grow), np.uint8))
