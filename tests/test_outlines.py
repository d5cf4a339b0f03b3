"""Outlines of boxes where the boxes are, at any size of the picture, and captions with classes and texts."""

import numpy as np
import pytest

from recog.codecs import BoxLabel, LabelledBox
from recog.outlines import COLOUR, caption, outlined

CORNERS = np.array([[20, 20], [50, 20], [50, 30], [20, 30]], np.float32)


def label(*named: tuple[str, str]) -> BoxLabel:
    return BoxLabel(tuple(LabelledBox(CORNERS, name, text) for name, text in named))


def bounds(picture: np.ndarray) -> tuple[int, ...]:
    rows, columns = np.nonzero((picture == COLOUR).all(axis=2))
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


@pytest.mark.parametrize("channels", [1, 3])
def test_an_outline_is_around_the_box_and_leaves_the_picture_as_it_is(channels):
    image = np.zeros((60, 80, channels), np.uint8)
    shown = outlined(image, label(("plate", "")))
    assert shown.shape == (60, 80, 3)
    np.testing.assert_allclose(bounds(shown), (20, 30, 20, 50), atol=4)
    assert not shown[22:28, 22:48].any(), "the object itself is not covered"
    assert not image.any()


@pytest.mark.parametrize("longest", [100, 640])
def test_a_large_picture_is_scaled_with_its_boxes(longest):
    image = np.zeros((800, 1600, 3), np.uint8)
    large = BoxLabel((LabelledBox(CORNERS * 20, "plate"),))
    shown = outlined(image, large, longest=longest)
    assert shown.shape == (longest // 2, longest, 3)
    expected = np.array([400, 600, 400, 1000]) * longest / 1600
    np.testing.assert_allclose(bounds(shown), expected, atol=4 + 2 * longest / 250)


def test_boxes_outside_or_without_finite_corners_do_no_harm():
    boxes = [LabelledBox(CORNERS + np.float32(offset), "plate") for offset in (1e30, np.nan, -1000)]
    assert not outlined(np.zeros((60, 80, 3), np.uint8), BoxLabel(tuple(boxes))).any()


def test_captions_have_classes_texts_and_numbers():
    assert caption(label()) == "no box"
    assert caption(label(("plate", "京A1"))) == "plate 京A1"
    assert caption(label(("car", ""), ("plate", "京A1"), ("car", ""))) == "car ×2  plate 京A1"
    assert caption(label(("plate", "A"), ("plate", ""))) == "plate A ×1"
