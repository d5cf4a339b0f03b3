"""Counts of whole-picture reading: plates found and read, over labelled plates."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from recog.metrics.average_precision import match, ranked
from recog.rectangles import bounds, overlaps


class Pair(NamedTuple):
    """A labelled plate with its detection; one of the two may be missing."""

    label: int | None
    """Index of the labelled plate; None for a false alarm."""
    found: int | None
    """Index of the detection; None for a plate that was missed."""
    overlap: float
    """Intersection over union; the largest with a labelled plate for a false alarm, 0 for a plate that was missed."""


def pair_plates(
    corners: Float[np.ndarray, "G 4 2"],
    labelled: Int[np.ndarray, " G"],
    boxes: Float[np.ndarray, "D 4"],
    classes: Int[np.ndarray, " D"],
    scores: Float[np.ndarray, " D"],
) -> list[Pair]:
    """Matches the plates of one picture by COCO's rule at an intersection over union of 0.5.

    Args:
      corners: corners of the labelled plates.
      labelled: their classes.
      boxes: detections.
      classes: their classes.
      scores: their scores.

    Returns:
      All labelled plates in order, followed by false alarms by decreasing score.
    """
    order = ranked(scores, classes)
    pairs = overlaps(boxes[order], bounds(corners))
    matches = match(np.where(classes[order][:, None] == labelled, pairs, -1.0))[0].tolist()
    of_label = {label: row for row, label in enumerate(matches) if label >= 0}
    known = [
        Pair(label, int(order[row]), float(pairs[row, label]))
        if (row := of_label.get(label)) is not None
        else Pair(label, None, 0.0)
        for label in range(len(corners))
    ]
    return known + [
        Pair(None, int(order[row]), float(pairs[row].max(initial=0.0)))
        for row, label in enumerate(matches)
        if label < 0
    ]
