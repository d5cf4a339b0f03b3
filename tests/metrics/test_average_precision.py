"""Average precision of detectors equals that of pycocotools, ties included."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from recog.codecs import BoxTargets
from recog.metrics import BoxCounts
from recog.rectangles import bounds

SLOTS, CLASSES = 6, 4


def labelled_pictures(random, count):
    """Targets of several pictures: some without boxes, tilted boxes, one class rare or missing, some boxes twice."""
    mask = random.random((count, SLOTS)) < random.choice([0.0, 0.3, 0.9], (count, 1), p=[0.2, 0.4, 0.4])
    corners = (random.integers(0, 60, (count, SLOTS, 1, 2)) + random.integers(0, 30, (count, SLOTS, 4, 2))).astype("f")
    corners[:, 1] = corners[:, 0]
    classes = random.choice(CLASSES, (count, SLOTS), p=[0.6, 0.3, 0.1, 0.0]).astype(np.int32)
    classes[:, 1] = classes[:, 0]
    return BoxTargets(corners * mask[..., None, None], classes * mask, mask, np.zeros((count, SLOTS, 1), np.int32))


def predicted(random, targets, slots):
    """Detections near labelled boxes and elsewhere, with scores of few different values, in decreasing order."""
    count = len(targets.mask)
    place = random.integers(0, SLOTS, (count, slots))
    corners = np.take_along_axis(targets.corners, place[..., None, None], axis=1)
    corners = corners + random.integers(-3, 4, corners.shape) * (random.random((count, slots, 1, 1)) < 0.7)
    classes = np.take_along_axis(targets.classes, place, axis=1)
    classes = np.where(random.random((count, slots)) < 0.2, random.integers(0, CLASSES, (count, slots)), classes)
    scores = -np.sort(-random.integers(0, 12, (count, slots)) / np.float32(12), axis=1)
    mask = random.random((count, slots)) < random.choice([0.0, 0.5, 1.0], (count, 1))
    corners, classes = corners.astype(np.float32), classes.astype(np.int32)
    return {"boxes": bounds(corners), "corners": corners, "classes": classes, "scores": scores, "mask": mask}


def measured_by_pycocotools(prediction, targets):
    """AP, AP at 0.5 and at 0.75; zeros where it has none."""
    pictures = [{"id": row + 1} for row in range(len(targets.mask))]
    truths = [
        {"image_id": row + 1, "category_id": int(targets.classes[row, n]), **wide_and_high(rectangle)}
        for row, n in np.argwhere(targets.mask)
        for rectangle in [bounds(targets.corners[row, n])]
    ]
    found = [
        {
            "image_id": int(row) + 1,
            "category_id": int(prediction["classes"][row, n]),
            "score": float(prediction["scores"][row, n]),
            **wide_and_high(prediction["boxes"][row, n]),
        }
        for row, n in np.argwhere(prediction["mask"])
    ]
    for number, entry in enumerate(truths):
        entry |= {"id": number + 1, "iscrowd": 0}
    with contextlib.redirect_stdout(io.StringIO()):
        names = [{"id": index} for index in range(CLASSES)]
        coco: Any = COCO()
        coco.dataset = {"images": pictures, "annotations": truths, "categories": names}
        coco.createIndex()
        detected: Any = COCO()
        annotations = [entry | {"id": number + 1, "iscrowd": 0} for number, entry in enumerate(found)]
        detected.dataset = coco.dataset | {"annotations": annotations}
        detected.createIndex()
        evaluation = COCOeval(coco, detected, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return np.maximum(evaluation.stats[:3], 0)  # -1 without labelled boxes


def wide_and_high(rectangle):
    x1, y1, x2, y2 = map(float, rectangle)
    return {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}


@pytest.mark.parametrize("seed", range(30))
def test_average_precision_is_that_of_pycocotools(seed):
    random = np.random.default_rng(seed)
    targets = labelled_pictures(random, count=int(random.integers(1, 9)))
    prediction = predicted(random, targets, slots=int(random.choice([1, 10, 40, 260])))
    report = BoxCounts.of(prediction, targets, threshold=0.5).report()
    expected = measured_by_pycocotools(prediction, targets)
    np.testing.assert_allclose([report["ap"], report["ap_50"], report["ap_75"]], expected, rtol=0, atol=1e-9)


def test_random_cases_are_neither_trivial_nor_small():
    """The comparison with pycocotools covers what it claims to."""
    rates, most, alone = [], 0, 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        targets = labelled_pictures(random, count=int(random.integers(1, 9)))
        prediction = predicted(random, targets, slots=int(random.choice([1, 10, 40, 260])))
        rates.append(BoxCounts.of(prediction, targets, threshold=0.5).report()["ap"])
        for classes, mask in zip(prediction["classes"], prediction["mask"], strict=True):
            most = max(most, *np.bincount(classes[mask], minlength=CLASSES))
        alone += not targets.mask.any()
    assert sum(0.05 < rate < 0.95 for rate in rates) > 10
    assert most > 100
    assert alone > 0


@pytest.mark.parametrize("second", [-3.0, 7.0])
def test_of_labelled_boxes_with_equal_overlaps_pycocotools_takes_the_last(second):
    """The first detection reaches both labelled boxes equally well, the second only one of them."""
    square = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)
    corners = np.stack([[square, square + np.array([4, 0], np.float32)]])
    slots = np.zeros((1, 2), np.int32)
    targets = BoxTargets(corners, slots, np.ones((1, 2), bool), np.zeros((1, 2, 1), np.int32))
    found = np.stack([[square + np.array([x, 0], np.float32) for x in (2, second)]])
    scores = np.array([[0.9, 0.8]], np.float32)
    prediction = {"boxes": bounds(found), "corners": found, "classes": slots, "mask": targets.mask, "scores": scores}
    report = BoxCounts.of(prediction, targets, threshold=0.5).report()
    assert report["recall_50"] == (1.0 if second < 0 else 0.5)
    assert report["ap_50"] == pytest.approx(measured_by_pycocotools(prediction, targets)[1], abs=1e-9)
