"""Greedy suppression against a literal version, and OpenCV's."""

import cv2
import jax
import numpy as np

from recog.detection.suppression import suppress

RNG = np.random.default_rng(0)
suppressed = jax.jit(suppress, static_argnums=3)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = sides.clip(0).prod()
    return shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared)


def literal(boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray, most: float) -> list[bool]:
    kept: list[int] = []
    for i in range(len(boxes)):
        rivals = [j for j in kept if classes[j] == classes[i]]
        if scores[i] > 0 and all(overlap(boxes[i], boxes[j]) <= most for j in rivals):
            kept.append(i)
    return [i in kept for i in range(len(boxes))]


def sample(rows: int = 6, count: int = 40):
    low = RNG.uniform(0, 30, (rows, count, 2))
    boxes = np.concatenate([low, low + RNG.uniform(4, 20, (rows, count, 2))], axis=-1).astype(np.float32)
    scores = -np.sort(-RNG.uniform(-0.2, 1, (rows, count)), axis=1).astype(np.float32)
    return boxes, RNG.integers(0, 2, (rows, count)), scores


def test_a_box_is_kept_unless_a_better_one_of_its_class_covers_it():
    boxes, classes, scores = sample()
    kept = np.asarray(suppressed(boxes, classes, scores, 0.45))
    assert kept.tolist() == [literal(*row, 0.45) for row in zip(boxes, classes, scores, strict=True)]
    assert 0 < kept.sum() < (scores > 0).sum()


def test_boxes_kept_are_those_of_opencv():
    boxes, _, scores = sample()
    kept = np.asarray(suppressed(boxes, np.zeros(scores.shape, int), scores, 0.3))
    for own, row, score in zip(kept, boxes, scores, strict=True):
        corners = np.concatenate([row[:, :2], row[:, 2:] - row[:, :2]], axis=1)
        expected = cv2.dnn.NMSBoxes(corners.tolist(), score.tolist(), 1e-9, 0.3)
        assert sorted(np.asarray(expected).ravel().tolist()) == np.flatnonzero(own).tolist()
