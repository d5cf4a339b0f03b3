"""Counts over labelled boxes and detections: precision, recall and F1 at a minimum intersection over union."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from operator import add
from typing import ClassVar, NamedTuple, Self

import cv2
import numpy as np
from jaxtyping import Float, Int

MATCHES = 0.5
"""Minimum intersection over union of a detection and the box that it matches (PASCAL VOC)."""


class Detections(NamedTuple):
    """Labelled or detected boxes of one picture."""

    corners: Float[np.ndarray, "N 4 2"]
    """x and y in pixels, convex and clockwise."""
    classes: Int[np.ndarray, " N"]
    """Class indices."""
    scores: Float[np.ndarray, " N"]
    """Confidences, by which detections are ordered; ignored for labelled boxes."""


@dataclass(frozen=True, slots=True)
class BoxCounts:
    """Mergeable counts over labelled boxes and detections.

    Detections are matched greedily in order of decreasing confidence, each to the unmatched box of its class with the
    largest overlap.

    Rates without boxes are 0.0, because JSON has no NaN.
    """

    ranks_by: ClassVar[str] = "f1"

    count: int = 0
    """Number of pictures."""
    boxes: int = 0
    """Number of labelled boxes."""
    detections: int = 0
    """Number of detections."""
    found: int = 0
    """Number of labelled boxes with a matching detection."""

    @classmethod
    def of(cls, labelled: Sequence[Detections], detected: Sequence[Detections], matches: float = MATCHES) -> Self:
        """Compares the detections of pictures with their boxes.

        Args:
          labelled: labelled boxes of each picture.
          detected: detections of each picture.
          matches: minimum intersection over union of a match.

        Raises:
          ValueError: the numbers of pictures differ.
        """
        if len(labelled) != len(detected):
            raise ValueError(f"{len(labelled)} pictures with boxes but {len(detected)} with detections: pass as many")
        return cls(
            count=len(labelled),
            boxes=sum(len(boxes.corners) for boxes in labelled),
            detections=sum(len(boxes.corners) for boxes in detected),
            found=sum(_found(*pair, matches) for pair in zip(labelled, detected, strict=True)),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(*map(add, astuple(self), astuple(other)))

    @property
    def precision(self) -> float:
        """Share of the detections that match a box."""
        return self.found / max(self.detections, 1)

    @property
    def recall(self) -> float:
        """Share of the boxes with a matching detection."""
        return self.found / max(self.boxes, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.found / max(self.boxes + self.detections, 1)

    def report(self) -> dict[str, float]:
        """``count boxes detections precision recall f1``."""
        return {
            "count": self.count,
            "boxes": self.boxes,
            "detections": self.detections,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
        }


def intersection_over_union(one: Float[np.ndarray, "4 2"], other: Float[np.ndarray, "4 2"]) -> float:
    """Intersection over union of two convex quadrilaterals, 0 to 1; 0 where both are empty."""
    one, other = (np.asarray(corners, np.float32) for corners in (one, other))
    shared, _ = cv2.intersectConvexConvex(one, other)
    covered = cv2.contourArea(one) + cv2.contourArea(other) - shared
    return shared / covered if covered > 0 else 0.0


def _found(labelled: Detections, detected: Detections, matches: float) -> int:
    """Number of boxes of one picture with a matching detection."""
    left = set(range(len(labelled.corners)))
    for place in np.argsort(-np.asarray(detected.scores), kind="stable"):
        overlaps = {
            box: intersection_over_union(labelled.corners[box], detected.corners[place])
            for box in left
            if labelled.classes[box] == detected.classes[place]
        }
        best = max(overlaps, key=lambda box: (overlaps[box], -box), default=None)
        if best is not None and overlaps[best] >= matches:
            left.remove(best)
    return len(labelled.corners) - len(left)
