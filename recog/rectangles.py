"""Axis-aligned rectangles x1, y1, x2, y2 on the host: bounds of quadrilaterals, overlaps."""

import numpy as np
from jaxtyping import Float


def bounds(corners: Float[np.ndarray, "*N 4 2"]) -> Float[np.ndarray, "*N 4"]:
    """Bounding rectangles of quadrilaterals."""
    return np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1)


def overlaps(one: Float[np.ndarray, "N 4"], other: Float[np.ndarray, "M 4"]) -> Float[np.ndarray, "N M"]:
    """Intersection over union of each pair of rectangles, 0 to 1, in float64; 0 for rectangles without area."""
    one, other = np.asarray(one, np.float64)[:, None], np.asarray(other, np.float64)[None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    width, height = sides[..., 0], sides[..., 1]
    shared = np.where((width > 0) & (height > 0), width * height, 0.0)
    return shared / np.where(shared > 0, _area(one) + _area(other) - shared, 1.0)


def _area(boxes: Float[np.ndarray, "*N 4"]) -> Float[np.ndarray, "*N"]:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
