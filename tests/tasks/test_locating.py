"""Locating: what is predicted is what the network says, without duplicates, inside of the picture."""

import dataclasses
import json

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.batch import Batch
from recog.codecs import BoxCodec, BoxLabel, LabelledBox, fill
from recog.detection.positions import Raw, assign, make_positions
from recog.models.yolo import YOLOConfig
from recog.tasks.locating import DETECTIONS, LocatingTask

CODEC = BoxCodec(("car", "plate"), most=3)
PRIORS = ((10, 4), (14, 6), (20, 8), (28, 10), (36, 14), (48, 16), (60, 24), (80, 30), (110, 40))
CONFIG = YOLOConfig(width=1 / 16, blocks=(0,) * 5, patch=4, priors=PRIORS)
HEIGHT, WIDTH = 64, 96
AT = make_positions(PRIORS, HEIGHT, WIDTH)
COUNT = len(AT.cells)
LABEL = BoxLabel(
    (
        LabelledBox(np.array([[10, 12], [30, 10], [31, 18], [11, 20]], np.float32), "plate"),
        LabelledBox(np.array([[50, 30], [80, 30], [80, 50], [50, 50]], np.float32), "car"),
    )
)


class Fixed(nn.Module):
    """Predicts the same for every picture."""

    config: YOLOConfig
    raw: Raw

    def __call__(self, images, widths, *, train):
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (len(images), *x.shape)), self.raw)


def nothing() -> Raw:
    return Raw(
        np.zeros((COUNT, 4), np.float32),
        np.full(COUNT, -20, np.float32),
        np.zeros((COUNT, 2), np.float32),
        np.zeros((COUNT, 4, 2), np.float32),
    )


def say(raw: Raw, box: LabelledBox, logit: float, shift: int = 0) -> None:
    """Lets the position of a box, or one some positions on, predict it."""
    low, high = box.corners.min(axis=0), box.corners.max(axis=0)
    place = int(assign(jnp.concatenate([low, high])[None, None], PRIORS, HEIGHT, WIDTH)[0, 0]) + shift
    cell, stride, prior = (x[place] for x in AT)
    share = np.clip(((low + high) / 2 - cell) / stride, 0.02, 0.98)
    raw.boxes[place] = [*np.log(share / (1 - share)), *np.log((high - low) / prior)]
    raw.objectness[place] = logit
    raw.classes[place] = np.where(np.arange(2) == CODEC.names.index(box.name), 10, -10)
    raw.corners[place] = (box.corners - AT.middles[place]) / prior


def predict(raw: Raw, sizes=((HEIGHT, WIDTH),)) -> dict[str, np.ndarray]:
    task = LocatingTask(Fixed(CONFIG, raw), CODEC)
    images = jnp.zeros((len(sizes), HEIGHT, WIDTH, 3), jnp.uint8)
    return jax.device_get(jax.jit(lambda sizes: task.predict({}, images, sizes))(np.array(sizes, np.int32)))


def test_objects_come_out_as_they_were_said_by_decreasing_score():
    raw = nothing()
    for box, logit in zip(LABEL.boxes, (1.0, 2.0), strict=True):
        say(raw, box, logit)
    found = predict(raw)
    assert found["mask"].shape == (1, DETECTIONS)
    assert found["mask"].sum() == 2
    for slot, (box, logit) in enumerate(zip(LABEL.boxes[::-1], (2.0, 1.0), strict=True)):
        np.testing.assert_allclose(found["corners"][0, slot], box.corners, atol=0.01)
        hull = np.concatenate([box.corners.min(axis=0), box.corners.max(axis=0)])
        np.testing.assert_allclose(found["boxes"][0, slot], hull, atol=0.5)
        assert CODEC.names[found["classes"][0, slot]] == box.name
        assert found["scores"][0, slot] == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-3)
    for name in ("boxes", "corners", "classes", "scores"):
        assert not found[name][~found["mask"]].any()


def test_duplicates_are_suppressed_within_a_class_alone():
    raw, (plate, _) = nothing(), LABEL.boxes
    say(raw, plate, 2.0)
    say(raw, plate, 1.0, shift=3)  # the cell to the right, whose centre is clipped to its border
    assert predict(raw)["mask"].sum() == 1
    say(raw, plate._replace(name="car"), 1.0, shift=3)
    assert predict(raw)["mask"].sum() == 2


def test_there_is_nothing_in_the_padding_and_no_box_leaves_the_picture():
    raw = nothing()
    for box in LABEL.boxes:
        say(raw, box, 2.0)
    found = predict(raw, [(HEIGHT, WIDTH), (HEIGHT, 40), (16, 25), (0, 0)])
    assert found["mask"].sum(axis=1).tolist() == [2, 1, 1, 0]
    np.testing.assert_array_equal(found["boxes"][2, 0, 2:], [25, 16])
    assert found["corners"][2, 0, :, 0].max() == pytest.approx(31, abs=0.01), "corners are where they are"


@pytest.mark.parametrize("size", [(17, 96), (64, 33), (3, 96), (64, 1)])
def test_objects_are_found_in_cells_of_which_the_picture_fills_little(size):
    """Training gives an object at the right or lower border to a cell that may be mostly padding."""
    bottom, right = size
    left, top = max(0, right - 2), max(0, bottom - 2)
    raw, corners = nothing(), np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    say(raw, LabelledBox(corners, "plate"), 2.0)
    found = predict(raw, [size])
    assert found["mask"].sum() == 1
    np.testing.assert_allclose(found["boxes"][0, 0], [left, top, right, bottom], atol=0.4)


def test_boxes_of_which_the_picture_shows_nothing_are_no_objects():
    raw = nothing()
    say(raw, LABEL.boxes[0]._replace(corners=np.array([[44, 20], [46, 20], [46, 22], [44, 22]], np.float32)), 2.0)
    assert predict(raw, [(HEIGHT, 45), (HEIGHT, 44), (HEIGHT, 43)])["mask"].sum(axis=1).tolist() == [1, 0, 0]


def batch_of(labels: list[BoxLabel | None]) -> Batch:
    targets, mask = CODEC.zeros(len(labels)), np.array([label is not None for label in labels])
    for row, label in enumerate(labels):
        if label:
            fill(targets, row, CODEC.encode(label))
    images = np.random.default_rng(0).integers(0, 256, (len(labels), HEIGHT, WIDTH, 3), dtype=np.uint8)
    sizes = np.where(mask[:, None], np.array([[HEIGHT, WIDTH]]), 0).astype(np.int32)
    return Batch(images, sizes, targets, np.arange(len(labels), dtype=np.int32), mask)


class Table(nn.Module):
    """A parameter for each number that is predicted; without convolutions, to compile little."""

    config: YOLOConfig

    @nn.compact
    def __call__(self, images, widths, *, train):
        shapes = {"boxes": (4,), "objectness": (), "classes": (2,), "corners": (4, 2)}
        start = nn.initializers.constant(0.1)
        raw = Raw(**{name: self.param(name, start, (COUNT, *shape)) for name, shape in shapes.items()})
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (len(images), *x.shape)), raw)


TASK = LocatingTask(Table(CONFIG), CODEC)
(LOSS,) = TASK.losses


def test_a_model_learns_to_predict_its_labels():
    batch = batch_of([LABEL])
    variables = TASK.init(jax.random.key(0), batch)

    @jax.jit
    def step(variables):
        gradient, output = jax.grad(LOSS.function, has_aux=True)(variables, batch, jax.random.key(0))
        return jax.tree.map(lambda x, g: x - 0.5 * g, variables, gradient), output

    _, first = step(variables)
    last = first
    for _ in range(100):
        variables, last = step(variables)
    assert set(first.sums) == {"objectness_loss", "box_loss", "classes_loss", "corners_loss"}
    assert all(last.sums[name] < 0.1 * value for name, value in first.sums.items())
    assert first.sample_losses[0] == pytest.approx(float(sum(first.sums.values())), rel=1e-5)
    found = jax.device_get(TASK.predict(variables, batch.images, jnp.asarray(batch.sizes)))
    best = found["corners"][0][found["scores"][0] > 0.5]
    np.testing.assert_allclose(sorted(best.tolist()), sorted(box.corners.tolist() for box in LABEL.boxes), atol=1.0)


def test_regression_weighs_boxes_and_corners():
    batch = batch_of([LABEL])
    variables = TASK.init(jax.random.key(0), batch)
    found, output = LOSS.function(variables, batch, jax.random.key(0))
    heavier = LocatingTask(Table(dataclasses.replace(CONFIG, regression=5.0)), CODEC)
    total, _ = heavier.losses[0].function(variables, batch, jax.random.key(0))
    more = 4 * float(output.sums["box_loss"] + output.sums["corners_loss"])
    assert total == pytest.approx(float(found) + more, rel=1e-5)


def test_detections_of_a_low_score_are_not_shown():
    raw = nothing()
    for box, logit in zip(LABEL.boxes, (1.0, -2.0), strict=True):
        say(raw, box, logit)
    found = predict(raw)
    assert found["mask"].sum() == 2
    (reading,) = TASK.rows(found)
    assert [box["class"] for box in json.loads(reading.text)] == ["plate"]


def test_rows_without_a_sample_do_not_count():
    alone, beside = batch_of([LABEL]), batch_of([LABEL, None])
    variables = TASK.init(jax.random.key(0), alone)
    loss = jax.jit(LOSS.function)
    found, other = (loss(variables, batch, jax.random.key(0)) for batch in (alone, beside))
    assert other[0] == pytest.approx(float(found[0]), rel=1e-5)
    for name, value in found[1].sums.items():
        assert other[1].sums[name] == pytest.approx(float(value), rel=1e-5)


def test_a_model_of_other_priors_decodes_by_them():
    raw, (plate, _) = nothing(), LABEL.boxes
    say(raw, plate, 2.0)
    other = dataclasses.replace(CONFIG, priors=tuple((2 * w, 2 * h) for w, h in PRIORS))
    task = LocatingTask(Fixed(other, raw), CODEC)
    found = task.predict({}, jnp.zeros((1, HEIGHT, WIDTH, 3), jnp.uint8), jnp.array([[HEIGHT, WIDTH]]))
    low, high = np.asarray(found["corners"])[0, 0].min(axis=0), np.asarray(found["corners"])[0, 0].max(axis=0)
    np.testing.assert_allclose(high - low, 2 * np.ptp(plate.corners, axis=0), rtol=1e-4)
