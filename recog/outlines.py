"""Labelled boxes for people: outlines on their picture, and a caption."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from recog.codecs import BoxLabel, LabelledBox

COLOUR = (255, 0, 200)
"""Colour, RGB, of outlines; rare in photographs, and not used in rendered scenes."""
LONGEST = 640
"""Maximum width and height in pixels of a picture that is shown; larger ones are scaled down."""
THIN = 250
"""Width or height of a picture, the larger one, per pixel of the lines' thickness."""


def outlined(
    image: UInt8[np.ndarray, "H W C"], label: BoxLabel, colour: Sequence[int] = COLOUR, longest: int = LONGEST
) -> UInt8[np.ndarray, "Y X 3"]:
    """Picture with a line around each box, and a dot on its first corner.

    Args:
      image: grayscale or RGB.
      label: boxes in pixels of the picture.
      colour: of the lines, RGB.
      longest: maximum width and height in pixels of the result; 0 keeps the picture's size.
    """
    height, width = image.shape[:2]
    scale = min(1.0, longest / max(height, width)) if longest else 1.0
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    shown = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image.copy()
    thickness = max(2, round(max(shown.shape[:2]) / THIN))
    for box in label.boxes:
        corners = np.asarray(box.corners, np.float64) * scale - 0.5  # OpenCV has pixel centres at integers
        if np.isfinite(corners).all():
            corners = _widened(np.clip(corners, -1e4, 1e4), thickness / 2)  # lines beside small objects, not on them
            points = np.round(corners * 16).astype(np.int32)  # 16 steps a pixel
            cv2.polylines(shown, [points], True, colour, thickness, cv2.LINE_AA, shift=4)
            cv2.circle(shown, points[0].tolist(), 16 * thickness, colour, cv2.FILLED, cv2.LINE_AA, shift=4)
    return shown


def _widened(corners: Float[np.ndarray, "4 2"], margin: float) -> Float[np.ndarray, "4 2"]:
    """Corners moved outwards along both of their sides by a number of pixels."""
    sides = np.roll(corners, -1, axis=0) - corners
    along = sides / np.maximum(np.linalg.norm(sides, axis=1, keepdims=True), 1e-6)
    return corners + margin * (np.roll(along, 1, axis=0) - along)


def caption(label: BoxLabel) -> str:
    """Classes with their texts or numbers of boxes, such as ``plate 京A88731 沪B12345  car ×2``."""
    by_name: dict[str, list[LabelledBox]] = {}
    for box in label.boxes:
        by_name.setdefault(box.name, []).append(box)
    return "  ".join(_described(name, boxes) for name, boxes in by_name.items()) or "no box"


def _described(name: str, boxes: list[LabelledBox]) -> str:
    texts = [box.text for box in boxes if box.text]
    without = len(boxes) - len(texts)
    number = [f"×{without}"] if without > 1 or (without and texts) else []
    return " ".join([name, *texts, *number])
