"""Boxes become padded arrays and come back; they move with the pictures' points."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from recog.codecs import BoxCodec, BoxLabel, LabelledBox, codec_from_json, fill

CODEC = BoxCodec(("plate", "car"), most=3, max_length=8)
SIZE = (60, 80)


def box(x=10.0, y=10.0, name="plate", text="皖A12345", width=20.0, height=6.0) -> LabelledBox:
    corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)
    return LabelledBox(corners, name, text)


def batch(*labels: BoxLabel):
    targets = CODEC.zeros(len(labels))
    for row, label in enumerate(labels):
        fill(targets, row, CODEC.encode(label))
    return targets


def test_boxes_come_back():
    labels = BoxLabel((box(), box(40, 5, "car", ""))), BoxLabel(()), BoxLabel((box(text="粤Z1234港"),) * 3)
    targets = batch(*labels)
    assert targets.mask.sum(axis=1).tolist() == [2, 0, 3]
    for row, label in enumerate(labels):
        found = CODEC.label(type(targets)(*(x[row] for x in targets)))
        assert [(b.name, b.text) for b in found.boxes] == [(b.name, b.text) for b in label.boxes]
        for ours, theirs in zip(found.boxes, label.boxes, strict=True):
            np.testing.assert_array_equal(ours.corners, theirs.corners)
    assert CODEC.show(targets) == [str(label) for label in labels]
    assert json.loads(str(labels[0]))[0][:2] == ["plate", "皖A12345"]


@pytest.mark.parametrize(
    ("label", "kinds"),
    [
        (BoxLabel((box(),)), []),
        (BoxLabel((box(),) * 4), ["label_too_long"]),
        (BoxLabel((box(name="boat"),)), ["unknown_class"]),
        (BoxLabel((box(text="123456789"),)), ["label_too_long"]),
        (BoxLabel((box(width=0.0),)), ["degenerate_box"]),
        (BoxLabel((box(width=-5.0),)), ["degenerate_box"]),
        (BoxLabel((box(x=np.nan),)), ["degenerate_box"]),
        (BoxLabel((box(x=80.0),)), ["box_outside_picture"]),
        (BoxLabel((box(), box(y=-7.0))), ["box_outside_picture"]),
        (BoxLabel((box(x=-5.0),)), []),  # cut by the border
        ("皖A12345", ["wrong_kind_of_label"]),
    ],
)
def test_problems_are_found_by_kind(label, kinds):
    assert CODEC.split(label) == [box.name for box in getattr(label, "boxes", ())]
    assert list(CODEC.problems(label, SIZE)) == kinds


@pytest.mark.parametrize("label", [BoxLabel((box(),) * 4), BoxLabel((box(name="boat"),))])
def test_what_has_no_place_is_refused(label):
    with pytest.raises(ValueError, match=r"4 boxes.*slots for 3|'boat'"):
        CODEC.encode(label)


def test_corners_move_by_each_pictures_own_map():
    targets = batch(BoxLabel((box(),)), BoxLabel((box(),)))
    shift, turn = np.eye(3, dtype=np.float32), np.array([[0, -1, 50], [1, 0, 0], [0, 0, 1]], np.float32)
    shift[:2, 2] = 3, -2
    sizes = jnp.array([[60, 80]] * 2)
    moved = CODEC.moved(targets, jnp.stack([shift, 2 * turn]), sizes)  # a homography has no scale of its own
    np.testing.assert_allclose(moved.corners[0, 0], box().corners + np.array([3, -2]), atol=1e-5)
    x, y = box().corners.T
    # Maps are those of pixel centres at integers, corners those of a picture from 0 to its width.
    np.testing.assert_allclose(moved.corners[1, 0], np.stack([50 - (y - 0.5), x - 0.5], axis=1) + 0.5, atol=1e-4)
    np.testing.assert_array_equal(moved.corners[:, 1:], 0)


def test_corners_are_scaled_with_the_picture():
    scaled = CODEC.scaled(BoxLabel((box(),)), 2.0, 0.5)
    np.testing.assert_array_equal(scaled.boxes[0].corners, box().corners * [2, 0.5])
    assert scaled.boxes[0][1:] == box()[1:]
    assert CODEC.scaled("a text", 2.0, 0.5) == "a text"


@pytest.mark.parametrize("names", [(), ("plate", "plate"), ("",)])
def test_names_must_tell_classes_apart(names):
    with pytest.raises(ValueError, match="classes="):
        BoxCodec(names)


def test_a_box_that_leaves_the_picture_is_no_target():
    targets = batch(BoxLabel((box(10), box(50))))
    away = jnp.eye(3).at[0, 2].set(-31.0)  # the first box ends at 30, the second begins at 50
    moved = CODEC.moved(targets, away[None], jnp.array([[60, 80]]))
    assert moved.mask.tolist() == [[False, True, False]]
    for array in moved:
        np.testing.assert_array_equal(array[0, 0], 0)
    np.testing.assert_allclose(moved.corners[0, 1], box(19).corners)
    np.testing.assert_array_equal(moved.texts[0, 1], targets.texts[0, 1])


def test_readings_are_the_boxes_with_the_highest_score():
    targets = batch(BoxLabel((box(10.04, text=""), box(40, 5, "car", ""))), BoxLabel(()))
    prediction = dict(zip(("corners", "classes", "mask"), targets[:3], strict=True))
    found = CODEC.readings(prediction | {"scores": np.array([[0.91239, 0.5, 0.1], [0.2, 0.2, 0.2]], np.float32)})
    assert [reading.confidence for reading in found] == [pytest.approx(0.91239), 0.0]
    plate, car = json.loads(found[0].text)
    assert plate == {"class": "plate", "corners": [[10, 10], [30, 10], [30, 16], [10, 16]], "score": 0.9124}
    assert (car["class"], car["score"]) == ("car", 0.5)
    assert found[1].text == "[]"


def shifted(across=0.0, down=0.0, stretch=1.0):
    """Homographies of one picture."""
    return jnp.array([[[stretch, 0, across + (stretch - 1) / 2], [0, stretch, down + (stretch - 1) / 2], [0, 0, 1]]])


@pytest.mark.parametrize(
    ("across", "down", "kept"),
    [
        (57.0, 0.0, True),  # 13 of 20 pixels are inside
        (59.0, 0.0, False),  # 11 of 20
        (-17.0, 0.0, True),
        (-19.0, 0.0, False),
        (0.0, -12.0, True),  # 4 of 6
        (0.0, -12.6, False),  # 3.4 of 6
        (0.0, 48.0 - 2.1, True),
        (0.0, 48.0 - 1.5, False),
        (55.0, -11.5, False),  # 0.75 each way
        (100.0, 0.0, False),
    ],
)
def test_a_box_that_is_cut_off_is_no_target(across, down, kept):
    targets = batch(BoxLabel((box(),)))
    moved = CODEC.moved(targets, shifted(across, down), jnp.array([SIZE]))
    assert bool(moved.mask[0, 0]) == kept
    expected = box().corners + np.array([across, down], np.float32) if across < 99 else np.zeros((4, 2))
    np.testing.assert_allclose(moved.corners[0, 0], expected, atol=1e-4, err_msg="corners are not clipped")


def test_a_box_that_the_photograph_cuts_stays_while_it_is_not_cut_further():
    targets = batch(BoxLabel((box(-15.0),)))  # 5 of 20 pixels are inside
    for across, stretch, kept in [(0.0, 1.0, True), (0.0, 2.0, True), (-1.5, 1.0, True), (-2.5, 1.0, False)]:
        moved = CODEC.moved(targets, shifted(across, stretch=stretch), jnp.array([SIZE]))
        assert bool(moved.mask[0, 0]) == kept


def test_it_comes_back_from_json():
    assert codec_from_json(CODEC.to_json()) == CODEC
