"""Heat map of a reader's frames: probability of each class over the columns of the picture."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from recog.evaluation.matrix_picture import matrix_picture

ROWS = 14
"""Maximum number of classes that are shown, the blank not counted."""
LEAST = 0.02
"""Minimum probability, at its best frame, of a class that is shown."""
WIDTH = 400
"""Width in pixels of all frames together, within a pixel per frame."""
STRIP = 64
"""Maximum height of the picture in pixels."""


def heat_picture(
    image: UInt8[np.ndarray, "H W C"], shares: Float[np.ndarray, "T K"], names: Sequence[str], title: str
) -> UInt8[np.ndarray, "Y X 3"]:
    """Draws the picture of a text above the probabilities of its frames, whose columns are below those they read.

    The rows are the most probable classes in the order in which they peak, so that a clear reading is a staircase, and
    the blank below them.

    Args:
      image: grayscale or RGB picture without padding.
      shares: probability of each class in each frame.
      names: names of the classes; that of the blank is empty.
      title: line of text above the picture.

    Raises:
      ValueError: there are no frames.
    """
    if not len(shares):
        raise ValueError("a heat map needs at least one frame")
    blank, peaks = names.index(""), shares.max(axis=0)
    ranked: list[int] = [place for place in np.argsort(-peaks, kind="stable").tolist() if place != blank]
    shown = [place for place in ranked[:ROWS] if peaks[place] >= LEAST] or ranked[:1]
    shown = [*sorted(shown, key=lambda place: int(shares[:, place].argmax())), blank]
    cell = max(1, round(WIDTH / len(shares))), 16
    rows = [names[place] or "blank" for place in shown]
    width = cell[0] * len(shares)
    height = int(np.clip(round(width * image.shape[0] / image.shape[1]), 1, STRIP))
    strip = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, -1)
    strip = strip if strip.shape[2] == 3 else np.repeat(strip, 3, axis=2)
    return matrix_picture(shares[:, shown].T, rows, title=title, cell=cell, above=strip)
