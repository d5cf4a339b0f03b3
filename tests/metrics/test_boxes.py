"""Counts of boxes: rates by hand, sums over parts of the pictures."""

import math
from operator import add

import numpy as np
import pytest

from recog.codecs import BoxTargets
from recog.metrics import BoxCounts
from recog.rectangles import bounds

RATES = ("ap", "ap_50", "ap_75", "recall_50", "precision_50", "f1_50")
NAMES = ["count", "boxes", *RATES, "false_alarms_per_picture", "ccpd_70", "corner_error"]


def quad(x: float, y: float, width: float = 10, height: float = 10) -> np.ndarray:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def labelled(*pictures, slots=3) -> BoxTargets:
    """Targets of pictures, each a list of corners or of (corners, class); the slot before the first stays empty."""
    shape = len(pictures), slots
    zeros = np.zeros((*shape, 4, 2), np.float32), np.zeros(shape, np.int32), np.zeros(shape, bool)
    targets = BoxTargets(*zeros, np.zeros((*shape, 1), np.int32))
    for row, boxes in enumerate(pictures):
        for place, box in enumerate(boxes, start=1):
            corners, index = box if isinstance(box, tuple) else (box, 0)
            targets.corners[row, place], targets.classes[row, place], targets.mask[row, place] = corners, index, True
    return targets


def found(*pictures, slots=3) -> dict:
    """Prediction for pictures, each a list of (corners, score) or (corners, score, class)."""
    shape = len(pictures), slots
    corners, scores = np.zeros((*shape, 4, 2), np.float32), np.zeros(shape, np.float32)
    classes, mask = np.zeros(shape, np.int32), np.zeros(shape, bool)
    for row, boxes in enumerate(pictures):
        for place, (box, score, *index) in enumerate(boxes):
            corners[row, place], scores[row, place], mask[row, place] = box, score, True
            classes[row, place] = index[0] if index else 0
    return {"boxes": bounds(corners), "corners": corners, "classes": classes, "scores": scores, "mask": mask}


def test_rates_at_a_score():
    targets = labelled([quad(0, 0), quad(30, 0)], [(quad(0, 0), 1)], [])
    prediction = found(
        [(quad(0, 0), 0.9), (quad(1, 0), 0.8), (quad(30, 0), 0.3)],  # a second one on the first box, a weak one
        [(quad(0, 0), 0.9, 0)],  # of another class
        [(quad(5, 5), 0.5)],
    )
    report = BoxCounts.of(prediction, targets, threshold=0.5).report()
    assert list(report) == NAMES
    assert (report["count"], report["boxes"]) == (3, 3)
    assert (report["recall_50"], report["precision_50"], report["f1_50"]) == (1 / 3, 1 / 4, 2 / 7)
    assert report["false_alarms_per_picture"] == 3 / 3
    assert BoxCounts.of(prediction, targets, threshold=0.25).report()["recall_50"] == 2 / 3
    assert 0 < report["ap"] < 0.5, "the second class is never found"


def test_perfect_detections():
    boxes = [quad(0, 0), quad(30, 0)]
    report = BoxCounts.of(found([(box, 0.9) for box in boxes]), labelled(boxes), threshold=0.9).report()
    assert {report[name] for name in RATES} == {1.0}
    assert report["false_alarms_per_picture"] == report["corner_error"] == 0


@pytest.mark.parametrize(
    ("detections", "right"),
    [
        ([(quad(0, 0), 0.4), (quad(30, 30), 0.3)], True),
        ([(quad(30, 30), 0.4), (quad(0, 0), 0.3)], False),
        ([(quad(0, 0, 10, 8), 0.4)], True),  # an overlap of 0.8
        ([(quad(0, 0, 10, 7), 0.4)], False),  # exactly 0.7
        ([(quad(0, 0), 0.4, 1)], True),  # of another class
        ([], False),
    ],
)
def test_the_rule_of_ccpd_asks_for_the_best_detection(detections, right):
    crowd = [quad(50, 50), quad(70, 70)]  # pictures with several boxes, or none, do not count
    targets = labelled([quad(0, 0)], crowd, [])
    report = BoxCounts.of(found(detections, [(crowd[0], 1.0)], []), targets, threshold=0.5).report()
    assert report["ccpd_70"] == right


def test_errors_of_corners_are_relative_to_the_size():
    big, small = quad(0, 0, 40, 10), quad(60, 0, 4, 4)
    nudged = big + np.array([[0, 0], [3, 4], [0, 0], [0, 1]], np.float32)  # distances 0, 5, 0, 1
    lone = quad(90, 90)
    detections = found([(nudged, 0.9), (small, 0.1), (lone, 0.9)])
    report = BoxCounts.of(detections, labelled([big, small]), threshold=0.5).report()
    assert report["corner_error"] == pytest.approx((6 / 4 / math.sqrt(400) + 0) / 2)


def test_parts_add_up_to_all():
    random = np.random.default_rng(0)
    pictures = [[quad(*random.uniform(0, 20, 2)) for _ in range(random.integers(0, 3))] for _ in range(12)]
    detections = [[(box + random.normal(0, 2), random.choice([0.2, 0.5, 0.9])) for box in boxes] for boxes in pictures]
    detections[3] = []
    together = BoxCounts.of(found(*detections), labelled(*pictures), threshold=0.5).report()
    parts = [
        BoxCounts.of(found(*detections[start:end]), labelled(*pictures[start:end]), threshold=0.5)
        for start, end in [(0, 1), (1, 5), (5, 12)]
    ]
    assert 0 < together["ap"] < 1
    assert ((parts[0] + parts[1]) + parts[2]).report() == (parts[0] + (parts[1] + parts[2])).report() == together


def test_the_order_of_parts_does_not_matter_but_for_equal_scores():
    boxes = [[quad(0, 0)], [quad(0, 0)], [quad(0, 0)]]
    detections = [[(quad(1, 0), 0.9)], [(quad(40, 0), 0.8)], [(quad(0, 0), 0.7)]]
    one, two, three = (
        BoxCounts.of(found(detection), labelled(box), threshold=0.5)
        for detection, box in zip(detections, boxes, strict=True)
    )
    assert (one + two + three).report() == (three + two + one).report()


def test_nothing_counted_has_rates_of_zero():
    nothing = BoxCounts(threshold=0.5)
    one = BoxCounts.of(found([(quad(0, 0), 0.9)]), labelled([quad(0, 0)]), threshold=0.5)
    assert (one + nothing).report() == one.report()
    assert set(nothing.report().values()) == {0}
    empty = BoxCounts.of(found([(quad(0, 0), 0.9)]), labelled([]), threshold=0.5).report()
    assert {name for name, value in empty.items() if value} == {"count", "false_alarms_per_picture"}
    assert BoxCounts.ranks_by in one.report()


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="1 labelled pictures but 2 predicted"):
        BoxCounts.of(found([], []), labelled([]), threshold=0.5)
    with pytest.raises(ValueError, match=r"0\.5 and 0\.6"):
        add(BoxCounts(threshold=0.5), BoxCounts(threshold=0.6))
