"""Labelled plates and detections are paired as the counts of detection count them."""

import numpy as np
import pytest

from recog.codecs import BoxTargets
from recog.metrics import BoxCounts
from recog.metrics.plates import Pair, pair_plates
from recog.rectify import box_corners

BOXES = np.array([[0, 0, 40, 10], [100, 0, 140, 10]], np.float32)
CORNERS = np.array([box_corners(box) for box in BOXES], np.float32)


def test_found_missed_and_false():
    found = np.array([[200, 0, 240, 10], [102, 0, 142, 10], [100, 0, 140, 10]], np.float32)
    pairs = pair_plates(CORNERS, np.zeros(2, int), found, np.zeros(3, int), np.array([0.5, 0.7, 0.9]))
    assert pairs[:2] == [Pair(0, None, 0.0), Pair(1, 2, 1.0)]
    assert tuple(pairs[2]) == (None, 1, pytest.approx(38 / 42)), "a second detection of one plate is a false alarm"
    assert pairs[3] == Pair(None, 0, 0.0)


def test_other_classes_and_small_overlaps_do_not_match():
    found = np.array([[0, 0, 40, 10], [121, 0, 161, 10]], np.float32)
    pairs = pair_plates(CORNERS, np.array([0, 1]), found, np.array([1, 1]), np.array([0.9, 0.8]))
    assert [(pair.label, pair.found) for pair in pairs] == [(0, None), (1, None), (None, 0), (None, 1)]
    assert pair_plates(CORNERS[:0], np.zeros(0, int), found[:0], np.zeros(0, int), np.zeros(0)) == []


def test_pairs_are_those_that_recall_counts():
    random = np.random.default_rng(0)
    for _ in range(20):
        count = int(random.integers(0, 6))
        corner = random.uniform(0, 60, (count, 2))
        boxes = np.concatenate([corner, corner + random.uniform(10, 40, (count, 2))], axis=1).astype(np.float32)
        classes, scores = random.integers(0, 2, count), np.sort(random.uniform(0.3, 1, count))[::-1].copy()
        labels = np.clip(boxes + random.normal(0, 4, boxes.shape), 0, 200)[: max(0, count - 1)].astype(np.float32)
        corners = np.array([box_corners(box) for box in labels], np.float32).reshape(-1, 4, 2)
        pairs = pair_plates(corners, classes[: len(labels)], boxes, classes, scores)
        targets = BoxTargets(corners, classes[: len(labels)], np.ones(len(labels), bool), np.zeros((len(labels), 1)))
        prediction = {
            "boxes": boxes,
            "corners": np.zeros((count, 4, 2)),
            "classes": classes,
            "scores": scores,
            "mask": np.ones(count, bool),
        }
        counts = BoxCounts.of({k: v[None] for k, v in prediction.items()}, BoxTargets(*(x[None] for x in targets)), 0.0)
        matched = sum(None not in (pair.label, pair.found) for pair in pairs)
        assert counts.report()["recall_50"] * max(len(labels), 1) == pytest.approx(matched)
        assert len(pairs) == len(labels) + count - matched
