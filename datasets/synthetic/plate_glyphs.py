"""Masks of the characters of Chinese licence plates: tall and narrow, with strokes of one width.

Digits, Latin letters and provinces are drawn from strokes (`datasets.synthetic.plate_strokes`), other Chinese
characters come from OpenCV's font, stretched to the plate's proportions. Masks are cached.
"""

import functools

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from datasets.synthetic.plate_strokes import CHINESE, HEIGHT, LATIN, WIDTH, Stroke

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
    if character in LATIN:
        mask = _drawn(LATIN[character], *big, weight)
    elif character in CHINESE and not printed:
        mask = _drawn(CHINESE[character], *big, _share(CHINESE[character]) * weight)
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


def _share(strokes: list[Stroke]) -> float:
    """Stroke width of a Chinese character as a share of that of digits: the more strokes, the thinner they are."""
    length = sum(float(np.hypot(*np.diff(np.array(stroke), axis=0).T).sum()) for stroke in strokes)
    return min(max(0.85 - length / 1800, 0.5), 0.75)


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
