"""Greedy matching of detections to labelled boxes, and COCO's average precision over the matches.

The rules, ties included, are those of ``COCOeval`` in pycocotools 2.0.11 for axis-aligned boxes without crowds and
without limits of size.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Minimum intersections over union of a match (COCO)."""
RECALLS = np.linspace(0.0, 1.0, 101)
"""Recalls at which precision is averaged (COCO)."""
MOST = 100
"""Maximum number of detections of one class in a picture; those with the lowest scores are left out (COCO)."""


def ranked(scores: Float[np.ndarray, " D"], classes: Int[np.ndarray, " D"]) -> Int[np.ndarray, " C"]:
    """Indices of a picture's detections that are counted, in order of decreasing score; equal scores keep their order.

    Args:
      scores: confidence of each detection.
      classes: class of each detection, of which the best `MOST` are counted.
    """
    order = np.argsort(-scores, kind="stable")
    beyond = [order[classes[order] == each][MOST:] for each in np.unique(classes)]
    return order[~np.isin(order, np.concatenate([order[:0], *beyond]))]


def match(pairs: Float[np.ndarray, "D G"]) -> Int[np.ndarray, "T D"]:
    """Index of the labelled box that each detection matches at each of the `THRESHOLDS`; -1 where there is none.

    A detection takes the unmatched box with the largest overlap, the last one of equals.

    Args:
      pairs: overlap of each detection, in order of decreasing score, with each labelled box of its picture; -1 for
        pairs of different classes.
    """
    detections, boxes = pairs.shape
    limits, rows = THRESHOLDS[:, None], np.arange(len(THRESHOLDS))
    free = np.ones((len(THRESHOLDS), boxes), bool)
    matches = np.full((len(THRESHOLDS), detections), -1)
    for place in np.flatnonzero(pairs.max(axis=1, initial=-1.0) >= THRESHOLDS[0]):
        reached = np.where(free & (pairs[place] >= limits), pairs[place], -1.0)
        best = boxes - 1 - reached[:, ::-1].argmax(axis=1)
        hit = reached[rows, best] >= 0
        matches[hit, place] = best[hit]
        free[rows[hit], best[hit]] = False
    return matches


def average_precisions(
    scores: Float[np.ndarray, " D"], right: Bool[np.ndarray, "T D"], labelled: int
) -> Float[np.ndarray, " T"]:
    """Average precision of one class at each threshold.

    It is the mean over `RECALLS` of the highest precision at that recall or a higher one.

    Args:
      scores: confidences of the class's detections in all pictures; equal ones count in the order given.
      right: whether each detection has a match.
      labelled: number of labelled boxes of the class, at least 1.
    """
    found = np.cumsum(right[:, np.argsort(-scores, kind="stable")], axis=1)
    precision = found / (np.arange(1, len(scores) + 1) + np.spacing(1))
    reached = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reached = np.pad(reached, ((0, 0), (0, 1)))  # recalls that are never reached have precision 0
    places = [np.searchsorted(recall, RECALLS) for recall in found / labelled]
    return np.take_along_axis(reached, np.stack(places), axis=1).mean(axis=1)
