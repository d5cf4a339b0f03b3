"""Opacity masks of the signs of music notation, drawn from outlines: clefs, accidentals, heads, flags and rests.

Lengths are in spaces, the distance between two lines of a staff. y points up from the sign's origin: the lowest line
for clefs, rests and time signatures, the note's own height for heads and accidentals, the stem's end for flags. A glyph
is drawn once for each weight and cached.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

SPACE = 12
"""Pixels between two lines of a staff."""
WEIGHTS = (0.8, 1.0, 1.25)
"""Boldness of signs, as factors of their normal line widths."""

Mask = UInt8[np.ndarray, "H W"]
Point = tuple[float, float]

_HALF = 8 * SPACE  # half the side of the square canvas of a glyph, pixels
_SHIFT = 4  # fractional bits of OpenCV's coordinates


class Glyph(NamedTuple):
    """A sign and the offset of its mask."""

    mask: Mask
    """Opacity, 0 to 255."""
    left: int
    """Pixels from the sign's origin to the mask's left edge, usually negative."""
    top: int
    """Pixels from the sign's origin down to the mask's top edge, usually negative."""


@functools.cache
def glyph(name: str, weight: float) -> Glyph:
    """Draws a sign by its name in ``_SIGNS``, or one digit of a time signature such as ``4``.

    Raises:
      KeyError: the name is unknown.
    """
    mask = np.zeros((2 * _HALF, 2 * _HALF), np.uint8)
    if name.isdigit():
        _digit(mask, name, weight)
    else:
        _SIGNS[name](mask, weight)
    left, top, width, height = cv2.boundingRect(mask)
    mask = mask[top : top + height, left : left + width].copy()
    mask.flags.writeable = False
    return Glyph(mask, left - _HALF, top - _HALF)


def fill(mask: Mask, corners: Sequence[Point] | np.ndarray, value: int = 255) -> None:
    """Fills a polygon given in spaces."""
    cv2.fillPoly(mask, [_pixels(corners)], (value,), cv2.LINE_AA, _SHIFT)


def _pixels(points: Sequence[Point] | np.ndarray) -> np.ndarray:
    places = np.asarray(points, float) * (SPACE, -SPACE) + _HALF
    return np.rint(places * 2**_SHIFT).astype(np.int32)


def _stroke(mask: Mask, points: Sequence[Point], widths: Sequence[float] | np.ndarray) -> None:
    """Draws a smooth line through points, with the given width at each point, all in spaces."""
    path = _smooth(np.column_stack([points, widths]))
    for (x, y, width), (to_x, to_y, to_width) in itertools.pairwise(path):
        along = np.array([to_x - x, to_y - y])
        across = np.array([-along[1], along[0]]) / (2 * max(float(np.hypot(*along)), 1e-6))
        start, end = np.array([x, y]), np.array([to_x, to_y])
        fill(
            mask,
            np.stack(
                [start + across * width, end + across * to_width, end - across * to_width, start - across * width]
            ),
        )
        _ball(mask, (x, y), width / 2)


def _smooth(points: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "M D"]:
    """Catmull-Rom spline through points."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    before, start, end, after = (padded[shift : len(points) - 1 + shift, None] for shift in range(4))
    t = np.linspace(0, 1, 12)[:, None]
    bend = 2 * before - 5 * start + 4 * end - after, 3 * start - before - 3 * end + after
    path = start + 0.5 * t * (end - before + t * (bend[0] + t * bend[1]))
    return path.reshape(-1, points.shape[1])


def _ball(mask: Mask, centre: Point, radius: float) -> None:
    (x, y) = _pixels([centre])[0].tolist()
    cv2.circle(mask, (x, y), max(round(radius * SPACE * 2**_SHIFT), 1), (255,), cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _oval(mask: Mask, half: Point, tilt: float, value: int = 255) -> None:
    """Fills an ellipse around the sign's origin; ``tilt`` in degrees raises its right end."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    cos, sin = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    outline = np.column_stack([half[0] * np.cos(turn), half[1] * np.sin(turn)]) @ np.array([[cos, sin], [-sin, cos]])
    fill(mask, outline, value)


def _treble(mask: Mask, weight: float) -> None:
    thin, thick = 0.13 * weight, 0.34 * weight
    points = [
        *((0.1, 0.5), (-0.5, 0.75), (-0.5, 1.4), (0.1, 1.8), (0.85, 1.5), (1.05, 0.75), (0.6, 0.05), (-0.1, -0.1)),
        *((-0.95, 0.2), (-1.3, 1.05), (-1.0, 2.0), (-0.2, 2.9), (0.45, 3.8), (0.5, 4.7), (0.2, 5.35), (-0.15, 4.9)),
        *((-0.2, 4.1), (0.0, 3.0), (0.25, 1.0), (0.5, -0.7), (0.35, -1.35), (-0.1, -1.6), (-0.5, -1.35)),
    ]
    widths = [thin] * 3 + [thick, thick] + [thin] * 3 + [thick, thick, thick] + [thin] * 2 + [thick] + [thin] * 9
    _stroke(mask, points, widths)
    _ball(mask, (-0.4, -1.2), 0.3)


def _bass(mask: Mask, weight: float) -> None:
    points = [(-0.9, 3.1), (-0.7, 3.7), (-0.1, 4.0), (0.6, 3.6), (0.75, 2.8), (0.4, 1.9), (-0.3, 1.1), (-1.1, 0.6)]
    _stroke(mask, points, np.array([0.15, 0.15, 0.2, 0.42, 0.5, 0.4, 0.25, 0.1]) * weight)
    _ball(mask, (-0.6, 3.0), 0.36)
    for y in (2.5, 3.5):
        _ball(mask, (1.3, y), 0.2)


def _alto(mask: Mask, weight: float) -> None:
    fill(mask, [(-1.4, 0), (-1.4, 4), (-1.0, 4), (-1.0, 0)])
    fill(mask, [(-0.8, 0), (-0.8, 4), (-0.8 + 0.12 * weight, 4), (-0.8 + 0.12 * weight, 0)])
    for way in (1, -1):
        points = [(-0.7, 0), (-0.4, 0.3), (-0.3, 0.7), (0.1, 0.35), (0.6, 0.3), (1.0, 0.9), (0.9, 1.6), (0.3, 1.95)]
        points = [(x, 2 + way * y) for x, y in [*points, (-0.2, 1.6)]]
        _stroke(mask, points, np.array([0.15, 0.15, 0.12, 0.12, 0.15, 0.45, 0.45, 0.15, 0.12]) * weight)
        _ball(mask, (-0.15, 2 + way * 1.5), 0.27)


def _sharp(mask: Mask, weight: float) -> None:
    for x, low in ((-0.22, -1.4), (0.22, -1.25)):
        half = 0.07 * weight
        fill(mask, [(x - half, low), (x - half, low + 2.65), (x + half, low + 2.65), (x + half, low)])
    _slanted_bars(mask, 0.5, weight)


def _natural(mask: Mask, weight: float) -> None:
    for x, low in ((-0.27, -0.6), (0.27, -1.4)):
        half = 0.07 * weight
        fill(mask, [(x - half, low), (x - half, low + 2), (x + half, low + 2), (x + half, low)])
    _slanted_bars(mask, 0.32, weight)


def _slanted_bars(mask: Mask, half: float, weight: float) -> None:
    thick = 0.15 * weight
    for y in (-0.42, 0.42):
        fill(
            mask,
            [(-half, y - 0.12 - thick), (-half, y - 0.12 + thick), (half, y + 0.12 + thick), (half, y + 0.12 - thick)],
        )


def _flat(mask: Mask, weight: float) -> None:
    _stroke(mask, [(-0.4, 1.8), (-0.4, 0.5), (-0.4, -0.65)], [0.14 * weight] * 3)
    points = [(-0.38, 0.3), (0.0, 0.5), (0.3, 0.3), (0.15, -0.15), (-0.36, -0.62)]
    _stroke(mask, points, np.array([0.12, 0.2, 0.33, 0.28, 0.12]) * weight)


def _black_head(mask: Mask, weight: float) -> None:
    _oval(mask, (0.66, 0.46), 20)


def _half_head(mask: Mask, weight: float) -> None:
    _oval(mask, (0.67, 0.47), 20)
    _oval(mask, (0.55, 0.26 / weight), 30, 0)


def _whole_head(mask: Mask, weight: float) -> None:
    _oval(mask, (0.86, 0.5), 0)
    _oval(mask, (0.4, 0.36 / weight), 120, 0)


def _flag_up(mask: Mask, weight: float) -> None:
    points = [(0.0, -0.1), (0.15, -0.75), (0.7, -1.35), (0.9, -2.0), (0.65, -2.8)]
    _stroke(mask, points, np.array([0.3, 0.36, 0.25, 0.15, 0.08]) * weight)


def _flag_down(mask: Mask, weight: float) -> None:
    _flag_up(mask, weight)
    mask[:] = np.roll(mask[::-1], 1, axis=0)


def _whole_rest(mask: Mask, weight: float) -> None:
    fill(mask, [(-0.6, 2.5), (-0.6, 3), (0.6, 3), (0.6, 2.5)])


def _half_rest(mask: Mask, weight: float) -> None:
    fill(mask, [(-0.6, 2), (-0.6, 2.5), (0.6, 2.5), (0.6, 2)])


def _quarter_rest(mask: Mask, weight: float) -> None:
    points = [(-0.25, 3.5), (0.25, 2.8), (-0.15, 2.25), (0.35, 1.45)]
    _stroke(mask, points, np.array([0.12, 0.4, 0.42, 0.12]) * weight)
    points = [(0.35, 1.45), (-0.15, 1.65), (-0.35, 1.2), (0.1, 0.6)]
    _stroke(mask, points, np.array([0.12, 0.32, 0.34, 0.08]) * weight)


def _eighth_rest(mask: Mask, weight: float) -> None:
    _rest_hook(mask, 0.0, weight)
    _stroke(mask, [(0.5, 2.9), (0.0, 1.0)], [0.13 * weight] * 2)


def _sixteenth_rest(mask: Mask, weight: float) -> None:
    _rest_hook(mask, 0.0, weight)
    _rest_hook(mask, -1.0, weight)
    _stroke(mask, [(0.5, 2.9), (-0.25, 0.0)], [0.13 * weight] * 2)


def _rest_hook(mask: Mask, drop: float, weight: float) -> None:
    lean = 0.26 * drop
    _ball(mask, (-0.35 + lean, 2.65 + drop), 0.26)
    _stroke(
        mask, [(-0.35 + lean, 2.45 + drop), (0.1 + lean, 2.4 + drop), (0.48 + lean, 2.85 + drop)], [0.14 * weight] * 3
    )


def _common(mask: Mask, weight: float) -> None:
    points = [(0.55, 2.6), (0.1, 3.0), (-0.5, 2.6), (-0.65, 2.0), (-0.5, 1.4), (0.1, 1.0), (0.65, 1.5)]
    _stroke(mask, points, np.array([0.12, 0.15, 0.36, 0.42, 0.36, 0.15, 0.1]) * weight)
    _ball(mask, (0.45, 2.5), 0.22)


def _dot(mask: Mask, weight: float) -> None:
    _ball(mask, (0.0, 0.0), 0.2 * weight**0.5)


def _accent(mask: Mask, weight: float) -> None:
    _stroke(mask, [(-0.6, 0.4), (0.0, 0.2), (0.6, 0.0), (0.0, -0.2), (-0.6, -0.4)], [0.12 * weight] * 5)


def _digit(mask: Mask, digit: str, weight: float) -> None:
    """Draws a digit two spaces high, with its lower edge on the lowest line."""
    font, thick = cv2.FONT_HERSHEY_COMPLEX, max(round(2.4 * weight), 1)
    (width, height), _ = cv2.getTextSize(digit, font, 1.0, thick)
    drawn = np.zeros((height + 2 * thick, width + 2 * thick), np.uint8)
    cv2.putText(drawn, digit, (thick, height + thick), font, 1.0, (255,), thick, cv2.LINE_AA)
    left, top, width, height = cv2.boundingRect(drawn)
    drawn = drawn[top : top + height, left : left + width]
    drawn = cv2.resize(drawn, (round(1.4 * SPACE), 2 * SPACE), interpolation=cv2.INTER_AREA)
    left = _HALF - drawn.shape[1] // 2
    mask[_HALF - 2 * SPACE : _HALF, left : left + drawn.shape[1]] = drawn


_SIGNS = {
    "treble": _treble,
    "bass": _bass,
    "alto": _alto,
    "sharp": _sharp,
    "flat": _flat,
    "natural": _natural,
    "black head": _black_head,
    "half head": _half_head,
    "whole head": _whole_head,
    "flag up": _flag_up,
    "flag down": _flag_down,
    "whole rest": _whole_rest,
    "half rest": _half_rest,
    "quarter rest": _quarter_rest,
    "eighth rest": _eighth_rest,
    "sixteenth rest": _sixteenth_rest,
    "common time": _common,
    "dot": _dot,
    "accent": _accent,
}
