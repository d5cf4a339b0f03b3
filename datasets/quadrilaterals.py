"""Corners of labelled objects: clockwise from the object's own top left, as in `recog.codecs.LabelledBox`."""

import cv2
import numpy as np
from jaxtyping import Float, Float32

TILTED = 60.0
"""Maximum angle in degrees between an object's top side and the horizontal. A list that begins one corner too early or
too late has its top side at 90 degrees, more or less the object's tilt, which is rarely above 30."""


def in_order(corners: Float[np.ndarray, "4 2"]) -> Float[np.ndarray, "4 2"]:
    """Corners clockwise from the object's top left; those of tools that begin elsewhere or go round are reordered.

    Raises:
      ValueError: the corners are not finite, or not those of a convex quadrilateral.
    """
    if not np.isfinite(corners).all():
        raise ValueError("its corners are not finite numbers: write x,y in pixels")
    if not (is_clockwise(corners) or is_clockwise(corners[::-1])):
        raise ValueError("its corners enclose no area, or its sides cross or bend inwards: correct them or drop it")
    return corners if is_clockwise(corners) and abs(tilt(corners)) <= TILTED else _ordered(corners)


def is_clockwise(corners: Float[np.ndarray, "4 2"]) -> bool:
    """Whether four points are the corners of a convex quadrilateral, clockwise on screen."""
    sides = np.roll(corners, -1, axis=0) - corners
    (x, y), (next_x, next_y) = sides.T, np.roll(sides, -1, axis=0).T
    return bool((x * next_y - y * next_x > 0).all())


def tilt(corners: Float[np.ndarray, "4 2"]) -> float:
    """Angle in degrees of an object's top and bottom sides to the horizontal, -180 to 180; positive when clockwise."""
    across, down = (corners[1] - corners[0]) + (corners[2] - corners[3])
    return float(np.degrees(np.arctan2(down, across)))


def overlap(one: Float[np.ndarray, "4 2"], other: Float[np.ndarray, "4 2"]) -> float:
    """Intersection over union of two convex quadrilaterals, 0 to 1; 0 where both are empty."""
    one, other = (np.asarray(corners, np.float32) for corners in (one, other))
    shared, _ = cv2.intersectConvexConvex(one, other)
    covered = cv2.contourArea(one) + cv2.contourArea(other) - shared
    return shared / covered if covered > 0 else 0.0


def outline(points: Float[np.ndarray, "N 2"]) -> Float32[np.ndarray, "4 2"]:
    """Corners of an object whose polygon begins at any point and runs in any direction.

    Four points that form a convex quadrilateral are kept, ordered clockwise from the one with which the top side is
    nearest to the horizontal; other polygons are replaced by the upright rectangle around them.
    """
    if len(points) == 4:
        ordered = _ordered(points)
        if is_clockwise(ordered):
            return ordered.astype(np.float32)
    return rectangle(*points.min(axis=0), *np.ptp(points, axis=0))


def rectangle(left: float, top: float, width: float, height: float) -> Float32[np.ndarray, "4 2"]:
    """Corners of an upright rectangle."""
    right, bottom = left + width, top + height
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


def _ordered(corners: Float[np.ndarray, "4 2"]) -> Float[np.ndarray, "4 2"]:
    """Corners clockwise by their angle around the centre, beginning where the top side is nearest to the horizontal."""
    x, y = (corners - corners.mean(axis=0)).T
    clockwise = corners[np.argsort(np.arctan2(y, x), kind="stable")]
    return min((np.roll(clockwise, -first, axis=0) for first in range(4)), key=lambda one: abs(tilt(one)))
