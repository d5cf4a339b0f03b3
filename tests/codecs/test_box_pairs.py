"""Detections of two programs are paired where only rounding tells them apart, and else differ."""

import numpy as np
import pytest

from recog.codecs import BoxCodec
from recog.rectangles import bounds, overlaps

CODEC = BoxCodec(("plate", "car"))
PICTURES, SLOTS, CANDIDATES, LOWEST, SUPPRESSED = 4, 30, 120, 0.3, 0.5


def candidates(seed):
    """Boxes with corners, classes, and scores of which some are equal or at the limit, of several pictures."""
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 150, (PICTURES, CANDIDATES, 1, 2)) + np.array([[0, 0], [30, 0], [30, 20], [0, 20]])
    corners += random.normal(0, 2, corners.shape)
    classes = random.integers(0, 2, (PICTURES, CANDIDATES))
    scores = random.uniform(0.2, 0.9, (PICTURES, CANDIDATES))
    scores[1::2, 10:110] -= 0.6  # fewer detections than slots
    scores[1::2, 10] = LOWEST
    scores[:, 0] = 0.95
    scores[:, -10:] = scores[:, :10]
    corners[:, -10] = corners[:, 0] + random.uniform(2, 4, (PICTURES, 1, 2))  # one of two overlapping boxes stays
    classes[:, -10] = classes[:, 0]
    return corners.astype(np.float32), classes.astype(np.int32), scores


def detect(corners, classes, scores, noise):
    """Sorts, suppresses and keeps a fixed number, as a detector does; scores differ by rounding errors."""
    scores = (scores + np.random.default_rng(noise).uniform(-1e-6, 1e-6, scores.shape)).astype(np.float32)
    shape = PICTURES, SLOTS
    found = {
        "boxes": np.zeros((*shape, 4), np.float32),
        "corners": np.zeros((*shape, 4, 2), np.float32),
        "classes": np.zeros(shape, np.int32),
        "scores": np.zeros(shape, np.float32),
        "mask": np.zeros(shape, bool),
    }
    for row in range(PICTURES):
        boxes = bounds(corners[row])
        kept = []
        for place in np.argsort(-scores[row], kind="stable"):
            rivals = [other for other in kept if classes[row, other] == classes[row, place]]
            close = overlaps(boxes[[place]], boxes[rivals]).max(initial=0.0) > SUPPRESSED
            if scores[row, place] >= LOWEST and not close and len(kept) < SLOTS:
                kept.append(place)
        many = slice(0, len(kept))
        found["boxes"][row, many], found["corners"][row, many] = boxes[kept], corners[row, kept]
        found["classes"][row, many], found["scores"][row, many] = classes[row, kept], scores[row, kept]
        found["mask"][row, many] = True
    return found


def equal(one, other):
    return all(np.allclose(one[name], other[name], rtol=0, atol=1e-5) for name in CODEC.compared)


def predictions(seed):
    made = candidates(seed)
    return detect(*made, noise=1), detect(*made, noise=2)


@pytest.mark.parametrize("seed", range(20))
def test_rounding_makes_no_difference(seed):
    ours, theirs = predictions(seed)
    assert not equal(ours, theirs)
    one, other = CODEC.paired(ours | {"logits": 1}, theirs)
    assert equal(one, other)
    assert one["logits"] == 1
    assert one["mask"].sum() >= 0.9 * ours["mask"].sum()


def test_the_cases_have_all_kinds_of_ties():
    left_out = full = spare = 0
    for seed in range(20):
        ours, theirs = predictions(seed)
        left_out += int(ours["mask"].sum() - CODEC.paired(ours, theirs)[0]["mask"].sum())
        full += ours["mask"].all(axis=1).sum()
        spare += (~ours["mask"]).any(axis=1).sum()
    assert left_out > 5
    assert full > 5
    assert spare > 5


@pytest.mark.parametrize("fault", ["boxes", "corners", "classes", "scores", "missing", "added", "one row"])
def test_faults_are_seen(fault):
    ours, theirs = predictions(0)
    wrong = {name: array.copy() for name, array in ours.items()}
    match fault:
        case "boxes" | "corners":
            wrong[fault][0, 3] += 0.5
        case "classes":
            wrong["classes"][0, 3] ^= 1
        case "scores":
            wrong["scores"][0, 3] += 0.01
        case "missing":
            wrong["mask"][0, 0] = False
        case "added":
            wrong["boxes"][0, 3] = 900, 900, 950, 930
        case "one row":
            wrong["boxes"][1] += 40
    assert equal(*CODEC.paired(ours, theirs))
    assert not equal(*CODEC.paired(wrong, theirs))
    assert not equal(*CODEC.paired(theirs, wrong))


def test_nothing_found_is_equal():
    ours, _ = predictions(0)
    none = ours | {"mask": np.zeros_like(ours["mask"])}
    assert equal(*CODEC.paired(none, none))
    assert not equal(*CODEC.paired(none, ours))
