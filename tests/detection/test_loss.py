"""Losses of YOLOv3 against a literal version in float64, and at their edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.detection.loss import IGNORE, Losses, Objects, yolo_losses
from recog.detection.positions import Raw, assign, decode_boxes, make_positions

PRIORS = ((10, 4), (14, 6), (20, 8), (28, 10), (36, 14), (48, 16), (60, 24), (80, 30), (110, 40))
PICTURE = (64, 64)
AT = make_positions(PRIORS, *PICTURE)
COUNT = len(AT.cells)
RNG = np.random.default_rng(0)
losses = jax.jit(lambda raw, objects: yolo_losses(raw, AT, objects, PICTURE))


def random_raw(rows: int) -> Raw:
    shapes = {"boxes": (4,), "objectness": (), "classes": (2,), "corners": (4, 2)}
    return Raw(**{name: RNG.normal(0, 0.5, (rows, COUNT, *shape)).astype(np.float32) for name, shape in shapes.items()})


def objects_of(boxes, classes, mask) -> Objects:
    boxes = np.asarray(boxes, np.float32)
    x1, y1, x2, y2 = np.moveaxis(boxes, -1, 0)
    corners = np.stack([x1, y1, x2, y1 + 1, x2, y2, x1, y2 - 1], axis=-1).reshape(*boxes.shape[:2], 4, 2)
    places = np.asarray(assign(jnp.asarray(boxes), PRIORS, *PICTURE))
    return Objects(boxes, corners, np.asarray(classes), np.asarray(mask, bool), places)


TWO = objects_of(
    [[[10, 10, 30, 18], [33, 30, 60, 41], [0, 0, 0, 0]], [[5, 40, 19, 45], [0, 0, 0, 0], [0, 0, 0, 0]]],
    [[1, 0, 0], [0, 0, 0]],
    [[1, 1, 0], [1, 0, 0]],
)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def overlap(a, b) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = sides.clip(0).prod()
    return shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared)


def literal(raw: Raw, objects: Objects, row: int) -> list[float]:
    """The losses of a picture, one position and one object at a time."""
    boxes, objectness, classes, corners = (np.asarray(x[row], np.float64) for x in raw)
    found = np.asarray(decode_boxes(raw.boxes, AT), np.float64)[row]
    live = np.flatnonzero(objects.mask[row])
    owners = {int(objects.places[row, m]) for m in live}
    there = 0.0
    for n in range(COUNT):
        if n in owners:
            there -= np.log(sigmoid(objectness[n]))
        elif max(overlap(found[n], objects.boxes[row, m].astype(float)) for m in live) < IGNORE:
            there -= np.log(1 - sigmoid(objectness[n]))
    box = kind = corner = 0.0
    for m in live:
        n, own = objects.places[row, m], objects.boxes[row, m].astype(float)
        middle, size = (own[:2] + own[2:]) / 2, own[2:] - own[:2]
        error = np.concatenate(
            [sigmoid(boxes[n, :2]) - (middle - AT.cells[n]) / AT.strides[n], boxes[n, 2:] - np.log(size / AT.priors[n])]
        )
        box += (2 - size.prod() / np.prod(PICTURE)) * np.square(error).sum()
        kind -= sum(np.log(sigmoid(x if k == objects.classes[row, m] else -x)) for k, x in enumerate(classes[n]))
        wanted = (objects.corners[row, m] - AT.middles[n]) / AT.priors[n]
        away = np.abs(corners[n] - wanted)
        corner += np.where(away < 1, away**2 / 2, away - 0.5).sum()
    return [there, box, kind, corner]


def test_losses_are_those_of_each_position_and_object():
    raw = random_raw(2)
    found = np.stack(losses(raw, TWO), axis=1)
    np.testing.assert_allclose(found, [literal(raw, TWO, row) for row in range(2)], rtol=2e-5)


def test_a_picture_without_objects_only_learns_that_there_are_none():
    raw = random_raw(1)
    empty = objects_of(np.zeros((1, 3, 4)), np.zeros((1, 3), int), np.zeros((1, 3)))
    found = losses(raw, empty)
    assert found.objectness[0] == pytest.approx(np.log1p(np.exp(raw.objectness)).sum(), rel=1e-5)
    assert [float(x[0]) for x in found[1:]] == [0, 0, 0]


def test_objects_with_a_position_in_common_both_count():
    raw = random_raw(1)
    box = [[20, 20, 40, 28], [20.5, 20, 40.5, 28]]
    together = objects_of([box], [[0, 1]], [[1, 1]])
    assert together.places[0, 0] == together.places[0, 1]
    alone = [losses(raw, objects_of([box], [[0, 1]], [mask])) for mask in ([1, 0], [0, 1])]
    found = losses(raw, together)
    for name in ("box", "classes", "corners"):
        each = sum(getattr(one, name)[0] for one in alone)
        assert getattr(found, name)[0] == pytest.approx(float(each), rel=1e-5)


def test_gradients_are_finite_for_boxes_of_no_size_and_predictions_of_any():
    raw = jax.tree.map(lambda x: x * 100, random_raw(1))
    flat = objects_of([[[20, 20, 20, 20]]], [[0]], [[1]])
    gradient = jax.grad(lambda raw: sum(x.sum() for x in yolo_losses(raw, AT, flat, PICTURE)))(raw)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(gradient))


def test_finding_the_rest_of_a_cut_object_is_not_wrong():
    """Predictions at an unmasked box have no loss, wherever they are sure."""
    raw, box = random_raw(1), [[19, 21, 39, 29]]
    place = int(objects_of([box], [[0]], [[1]]).places[0, 0])
    raw.boxes[0, place] = _inverse(box[0], place)
    cut, none = (losses(raw, objects_of([row], [[0]], [[0]])).objectness[0] for row in (box, [[0, 0, 0, 0]]))
    found = np.asarray(decode_boxes(raw.boxes, AT))[0]
    near = np.array([overlap(one.astype(float), np.array(box[0], float)) >= IGNORE for one in found])
    assert near[place]
    assert none - cut == pytest.approx(np.log1p(np.exp(raw.objectness[0, near])).sum(), rel=1e-3)


def _inverse(box, place: int) -> np.ndarray:
    """Numbers with which a position predicts a box."""
    low, high = np.array(box[:2], float), np.array(box[2:], float)
    share = ((low + high) / 2 - AT.cells[place]) / AT.strides[place]
    return np.concatenate([np.log(share / (1 - share)), np.log((high - low) / AT.priors[place])])


def test_empty_slots_have_no_gradient():
    raw = random_raw(1)
    one = objects_of([[[10, 10, 30, 18], [33, 30, 60, 41]]], [[0, 0]], [[1, 0]])
    gradient = jax.grad(lambda raw: sum(x.sum() for x in yolo_losses(raw, AT, one, PICTURE)))(raw)
    assert not np.asarray(gradient.corners)[0, one.places[0, 1]].any()
    assert isinstance(losses(raw, one), Losses)
