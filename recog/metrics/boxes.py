"""Counts over labelled boxes and detections: COCO's average precision, and rates at a minimum score."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float, Int

from recog.codecs import BoxTargets, Prediction
from recog.metrics.average_precision import THRESHOLDS, average_precisions, match, ranked
from recog.metrics.counts import RateStyle
from recog.rectangles import bounds, overlaps

THRESHOLD = 0.4
"""Usual minimum score of the detections that are counted, shown and read, that of fast-alpr."""
CCPD_OVERLAP = 0.7
"""Intersection over union that CCPD's rule asks for, exclusive (Xu et al. 2018, section 5.1)."""


class Matched(NamedTuple):
    """Detections of some pictures, matched with the labelled boxes."""

    pictures: int
    """Number of pictures."""
    labelled: Int[np.ndarray, " G"]
    """Class of each labelled box."""
    scores: Float[np.ndarray, " D"]
    """Confidence of each detection."""
    classes: Int[np.ndarray, " D"]
    """Class of each detection."""
    right: Bool[np.ndarray, "T D"]
    """Whether each detection matches a labelled box, at each of the `THRESHOLDS`."""
    corner_errors: Float[np.ndarray, " M"]
    """Mean distance between the corners of each pair matched at the first threshold, relative to its size."""
    single: int
    """Number of pictures with exactly one labelled box."""
    single_found: int
    """Number of these whose detection with the highest score meets CCPD's rule."""


@dataclass(frozen=True, eq=False)
class BoxCounts:
    """Mergeable counts over labelled boxes and detections.

    Counts of parts of the pictures, added in the order of the pictures, equal the counts of all. The order matters only
    to average precision, and there only for equal scores.

    Example:
      >>> corners = np.float32([[[[0, 0], [9, 0], [9, 3], [0, 3]]]])
      >>> classes, mask = np.zeros((1, 1), np.int32), np.ones((1, 1), bool)
      >>> targets = BoxTargets(corners, classes, mask, np.zeros((1, 1, 1), np.int32))
      >>> found = {"boxes": np.float32([[[0, 0, 9, 3]]]), "corners": corners, "classes": classes, "mask": mask}
      >>> BoxCounts.of(found | {"scores": np.float32([[0.9]])}, targets, threshold=0.5).report()["recall_50"]
      1.0

    Rates without anything to count are 0.0, because JSON has no NaN: check ``boxes`` first, and ``recall_50`` before
    ``corner_error``.
    """

    ranks_by: ClassVar[str] = "ap"
    ties_by: ClassVar[str] = ""
    style: ClassVar[RateStyle] = RateStyle("AP", "AP", "COCO AP at IoU .50:.95")

    threshold: float
    """Minimum score of the detections that recall, precision, F1 and false alarms count."""
    parts: tuple[Matched, ...] = ()
    """Batches that were counted."""

    @classmethod
    def of(cls, prediction: Prediction, targets: BoxTargets, threshold: float) -> Self:
        """Matches the detections of a batch with the labelled boxes.

        Boxes are compared by their rectangles: the detected ``boxes``, and the bounding rectangles of labelled corners.

        Args:
          prediction: ``boxes`` float32 B N 4 (x1, y1, x2, y2), ``corners`` float32 B N 4 2, ``classes`` int32 B N,
            ``scores`` float32 B N and ``mask`` bool B N, as NumPy arrays.
          targets: labelled boxes as NumPy arrays.
          threshold: minimum score of the detections that recall, precision, F1 and false alarms count.

        Raises:
          ValueError: prediction and targets differ in the number of pictures.
        """
        detected = [prediction[name] for name in ("boxes", "corners", "classes", "scores", "mask")]
        if len(detected[0]) != len(targets.mask):
            raise ValueError(f"{len(targets.mask)} labelled pictures but {len(detected[0])} predicted: pass as many")
        pictures = [
            _match_picture(boxes[mask], corners[mask], classes[mask], scores[mask], _only(BoxTargets(*labelled)))
            for boxes, corners, classes, scores, mask, *labelled in zip(*detected, *targets, strict=True)
        ]
        return cls(threshold, (_joined(pictures),))

    def __add__(self, other: Self) -> Self:
        if self.threshold != other.threshold:
            raise ValueError(f"counts at the scores {self.threshold} and {other.threshold} cannot be added")
        return type(self)(self.threshold, self.parts + other.parts)

    @property
    def matched(self) -> Matched:
        """Detections of all parts, in the order of the pictures."""
        return _joined(self.parts)

    def report(self) -> dict[str, float]:
        """Rates of all parts.

        ``count`` and ``boxes`` are the numbers of pictures and labelled boxes. ``ap`` is COCO's average precision, the
        mean over thresholds of 0.5 to 0.95 and over classes with labelled boxes, with at most 100 detections of a
        class in a picture; ``ap_50`` and ``ap_75`` are those at one threshold. ``recall_50``, ``precision_50`` and
        ``f1_50`` count matches at an intersection over union of 0.5 among detections with at least the minimum score,
        ``false_alarms_per_picture`` the detections without a match among them. ``ccpd_70`` is the share of pictures
        with one labelled box whose best-scoring detection, of any class, has an intersection over union above 0.7
        with it. ``corner_error`` is the mean distance of detected to labelled corners over pairs matched at 0.5, as a
        fraction of the square root of the labelled quadrilateral's area.
        """
        all_parts = self.matched
        precisions = _average_precisions(all_parts)
        counted = all_parts.scores >= self.threshold
        detections, found = int(counted.sum()), int((all_parts.right[0] & counted).sum())
        pictures, boxes = all_parts.pictures, len(all_parts.labelled)
        return {
            "count": pictures,
            "boxes": boxes,
            "ap": float(precisions.mean()),
            "ap_50": float(precisions[_at(0.5)]),
            "ap_75": float(precisions[_at(0.75)]),
            "recall_50": found / max(boxes, 1),
            "precision_50": found / max(detections, 1),
            "f1_50": 2 * found / max(boxes + detections, 1),
            "false_alarms_per_picture": (detections - found) / max(pictures, 1),
            "ccpd_70": all_parts.single_found / max(all_parts.single, 1),
            "corner_error": math.fsum(all_parts.corner_errors) / max(len(all_parts.corner_errors), 1),
        }


def _at(threshold: float) -> int:
    return int(np.abs(THRESHOLDS - threshold).argmin())


def _average_precisions(matched: Matched) -> Float[np.ndarray, " T"]:
    """Average precision at each threshold, the mean over classes with labelled boxes; 0 without any."""
    each = [np.zeros(len(THRESHOLDS))] if not len(matched.labelled) else []
    for index, labelled in zip(*np.unique(matched.labelled, return_counts=True), strict=True):
        own = matched.classes == index
        each.append(average_precisions(matched.scores[own], matched.right[:, own], int(labelled)))
    return np.mean(each, axis=0)


def _only(targets: BoxTargets) -> BoxTargets:
    """The boxes of one picture without empty slots."""
    return BoxTargets(*(np.asarray(array)[np.asarray(targets.mask)] for array in targets))


def _match_picture(
    boxes: Float[np.ndarray, "D 4"],
    corners: Float[np.ndarray, "D 4 2"],
    classes: Int[np.ndarray, " D"],
    scores: Float[np.ndarray, " D"],
    labelled: BoxTargets,
) -> Matched:
    order = ranked(scores, classes)
    boxes, corners, classes, scores = boxes[order], corners[order], classes[order], scores[order]
    pairs = overlaps(boxes, bounds(labelled.corners))
    matches = match(np.where(classes[:, None] == labelled.classes, pairs, -1.0))
    hit = matches[0] >= 0
    single = len(labelled.classes) == 1
    return Matched(
        pictures=1,
        labelled=labelled.classes,
        scores=scores,
        classes=classes,
        right=matches >= 0,
        corner_errors=_corner_errors(corners[hit], labelled.corners[matches[0, hit]]),
        single=int(single),
        single_found=int(single and len(pairs) > 0 and pairs[0, 0] > CCPD_OVERLAP),
    )


def _corner_errors(found: Float[np.ndarray, "M 4 2"], labelled: Float[np.ndarray, "M 4 2"]) -> Float[np.ndarray, " M"]:
    """Mean distance of corners over the square root of the labelled area, which counts as at least one pixel."""
    found, labelled = found.astype(np.float64), labelled.astype(np.float64)
    (x, y), (after_x, after_y) = np.moveaxis(labelled, -1, 0), np.moveaxis(np.roll(labelled, -1, axis=1), -1, 0)
    area = np.abs(np.sum(x * after_y - after_x * y, axis=1)) / 2
    return np.linalg.norm(found - labelled, axis=2).mean(axis=1) / np.sqrt(np.maximum(area, 1.0))


_NOTHING = Matched(
    pictures=0,
    labelled=np.zeros(0, np.int32),
    scores=np.zeros(0, np.float32),
    classes=np.zeros(0, np.int32),
    right=np.zeros((len(THRESHOLDS), 0), bool),
    corner_errors=np.zeros(0),
    single=0,
    single_found=0,
)


def _joined(parts: Sequence[Matched]) -> Matched:
    """The pictures of all parts, in order."""
    return Matched._make(
        np.concatenate(values, axis=-1) if isinstance(values[0], np.ndarray) else sum(values)
        for values in zip(_NOTHING, *parts, strict=True)
    )
