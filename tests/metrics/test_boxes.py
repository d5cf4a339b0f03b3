"""Counts of boxes: overlaps against a count of pixels, and matches by hand."""

import cv2
import numpy as np
import pytest

from recog.metrics import BoxCounts
from recog.metrics.boxes import Detections, intersection_over_union


def quad(x: float, y: float, width: float = 10, height: float = 10) -> np.ndarray:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def found(*boxes: np.ndarray, classes=None, scores=None) -> Detections:
    corners = np.stack(boxes) if boxes else np.zeros((0, 4, 2), np.float32)
    return Detections(corners, np.array(classes or [0] * len(boxes)), np.array(scores or [1.0] * len(boxes)))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (quad(0, 0), quad(0, 0), 1),
        (quad(0, 0), quad(20, 0), 0),
        (quad(0, 0), quad(5, 0), 50 / 150),
        (quad(0, 0), quad(2, 2, 4, 4), 16 / 100),
        (quad(0, 0), quad(3, 3, 0, 0), 0),
    ],
)
def test_overlaps_of_rectangles(one, other, expected):
    assert intersection_over_union(one, other) == pytest.approx(expected, abs=1e-6)
    assert intersection_over_union(other, one) == pytest.approx(expected, abs=1e-6)


def test_overlaps_of_tilted_boxes_are_those_of_their_pixels():
    random = np.random.default_rng(0)
    for _ in range(20):
        boxes = [cv2.boxPoints(((50, 50), tuple(random.uniform(20, 60, 2)), random.uniform(0, 90))) for _ in range(2)]
        masks = [cv2.fillConvexPoly(np.zeros((800, 800), np.uint8), (8 * b).astype(np.int32), (1,)) for b in boxes]
        pixels = np.sum(np.minimum(*masks)) / np.sum(np.maximum(*masks))
        assert intersection_over_union(*boxes) == pytest.approx(pixels, abs=0.02)


def test_each_box_is_found_once_by_the_most_confident_of_its_class():
    labelled = [found(quad(0, 0), quad(30, 0)), found(quad(0, 0), classes=[1]), found()]
    detected = [
        found(quad(1, 0), quad(0, 0), quad(60, 0), scores=[0.5, 0.9, 0.8]),  # the second takes the box of the first
        found(quad(0, 0), classes=[0]),
        found(quad(5, 5)),
    ]
    counts = BoxCounts.of(labelled, detected)
    assert (counts.count, counts.boxes, counts.detections, counts.found) == (3, 3, 5, 1)
    assert counts.report() == {
        "count": 3,
        "boxes": 3,
        "detections": 5,
        "precision": 1 / 5,
        "recall": 1 / 3,
        "f1": 2 / 8,
    }


def test_an_overlap_below_the_limit_finds_nothing():
    labelled, detected = [found(quad(0, 0))], [found(quad(5, 0))]
    assert BoxCounts.of(labelled, detected).found == 0
    assert BoxCounts.of(labelled, detected, matches=0.3).found == 1


def test_counts_add_up_and_nothing_has_rates_of_zero():
    one = BoxCounts.of([found(quad(0, 0))], [found(quad(0, 0))])
    assert (one + BoxCounts()).report() == one.report()
    assert (one + one).boxes == 2
    assert set(BoxCounts().report().values()) == {0}
    assert BoxCounts.ranks_by in one.report()
    with pytest.raises(ValueError, match="1 pictures with boxes but 2"):
        BoxCounts.of([found()], [found(), found()])
