"""Upright crops of objects that a photograph shows in perspective."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from recog.rectangles import bounds, overlaps

MARGIN = 0.1
"""Width of the border that a crop shows around the object, relative to the object's height.

Readers are trained on crops with some border, and predicted corners are not exact: of 138 labelled plates in
photographs, LPRNet with its public weights reads 38 % exactly without a border, 52 % with 0.1, and 49 % with 0.2; with
corners moved by 6 % of the height at random, 27 %, 51 % and 40 %."""
ELONGATED = 32
"""Maximum ratio of a crop's sides, above those of all lines of text on objects; it bounds the crop of a sliver."""
AGREES = 0.3
"""Minimum intersection over union of a box and the bounding rectangle of its corners. A box ends at the border of the
picture while corners may lie outside, and corners of tilted objects are the less exact of the two."""
FILLED = 0.15
"""Minimum area of the quadrilateral relative to the box; a plate of 440 by 140 mm that is tilted by 45 degrees has
0.37."""


def box_corners(box: Float[np.ndarray, " 4"]) -> Float[np.ndarray, "4 2"]:
    """Corners of a box x1, y1, x2, y2, clockwise from the top left; the box is at least a pixel wide and high."""
    x1, y1, x2, y2 = np.asarray(box, np.float64)
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])


def usable_corners(corners: Float[np.ndarray, "4 2"], box: Float[np.ndarray, " 4"]) -> Float[np.ndarray, "4 2"]:
    """The corners if a crop can be made with them, otherwise those of the box.

    They must form a convex quadrilateral, clockwise as seen, which agrees with the box and fills part of it.
    """
    corners, upright = np.asarray(corners, np.float64), box_corners(box)
    if not np.isfinite(corners).all() or overlaps(bounds(corners)[None], bounds(upright)[None])[0, 0] < AGREES:
        return upright
    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    x, y = corners.T
    area = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2
    width, height = upright[2] - upright[0]
    return corners if (turns > 0).all() and area >= FILLED * width * height else upright


def rectify(
    picture: UInt8[np.ndarray, "H W C"], corners: Float[np.ndarray, "4 2"], least: int, margin: float = MARGIN
) -> UInt8[np.ndarray, "Y X C"]:
    """Crop in which an object is an upright rectangle, by perspective from its corners.

    The crop has the size of the object in the picture, so that scaling it down afterwards averages all its pixels.

    Args:
      picture: photograph.
      corners: x and y in pixels, clockwise from the object's top left; a convex quadrilateral.
      least: minimum height of the crop in pixels. Small objects are enlarged to it while they are warped, because
        interpolating them twice would blur them.
      margin: border around the object, relative to its height.
    """
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    width, height = max(sides[0], sides[2], 1.0), max(sides[1], sides[3], 1.0)
    border = margin * height
    whole = np.array([width, height]) + 2 * border
    size = np.maximum(np.round(np.clip(whole, whole.max() / ELONGATED, None) * max(1.0, least / whole[1])), 1)
    inner = (box_corners(np.zeros(4)) * [width, height] + border) * (size / whole)
    region, start = _region(picture, corners, 2 * border + 2)
    matrix = cv2.getPerspectiveTransform((corners - start - 0.5).astype(np.float32), (inner - 0.5).astype(np.float32))
    columns, rows = size.astype(int).tolist()
    crop = cv2.warpPerspective(region, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return crop.reshape(rows, columns, picture.shape[2])


def _region(
    picture: UInt8[np.ndarray, "H W C"], corners: Float[np.ndarray, "4 2"], around: float
) -> tuple[UInt8[np.ndarray, "Y X C"], Float[np.ndarray, " 2"]]:
    """Part of a picture around the corners, and the x and y at which it starts; OpenCV warps no more than 32,767 pixels
    a side.
    """
    limits = np.array(picture.shape[1::-1])
    start = np.clip(np.floor(corners.min(axis=0) - around), 0, limits - 1).astype(int)
    stop = np.clip(np.ceil(corners.max(axis=0) + around), start + 1, limits).astype(int)
    return np.ascontiguousarray(picture[start[1] : stop[1], start[0] : stop[0]]), start.astype(float)
