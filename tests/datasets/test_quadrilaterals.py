"""Corners in order: kept or reordered, refused without area, and recovered from polygons; and their overlap."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.quadrilaterals import in_order, outline, overlap, rectangle, tilt


def turned(angle: float, width: float, height: float) -> np.ndarray:
    """Corners of a rectangle, turned clockwise around (50, 60)."""
    radians = np.radians(angle)
    turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]])
    return (rectangle(-width / 2, -height / 2, width, height) @ turn.T + (50, 60)).astype(np.float32)


SIZES = st.floats(2, 80)


@given(st.floats(-44, 44), SIZES, SIZES, st.integers(0, 3), st.booleans())
def test_a_polygon_is_put_in_order_wherever_it_begins(angle, width, height, first, reverse):
    corners = turned(angle, width, height)
    polygon = np.roll(corners[::-1] if reverse else corners, first, axis=0)
    np.testing.assert_array_equal(outline(polygon), corners)
    assert in_order(corners) is corners
    assert tilt(corners) == pytest.approx(angle, abs=0.01)
    if reverse:
        np.testing.assert_array_equal(in_order(polygon), corners)


@given(st.floats(-29, 29), SIZES, SIZES, st.integers(1, 3))
def test_corners_that_begin_elsewhere_are_reordered(angle, width, height, first):
    corners = turned(angle, width, height)
    np.testing.assert_array_equal(in_order(np.roll(corners, first, axis=0)), corners)


@given(st.floats(-59, 59), SIZES, SIZES)
def test_corners_of_tilted_objects_stay_as_they_are(angle, width, height):
    corners = turned(angle, width, height)
    assert in_order(corners) is corners


@pytest.mark.parametrize(
    "corners",
    [
        [[0, 0], [9, 0], [9, 0], [0, 0]],
        [[0, 0], [9, 0], [0, 5], [9, 5]],
        [[0, 0], [9, 0], [2, 1], [0, 9]],
        [[0, 0], [9, 0], [9, float("nan")], [0, 5]],
        [[0, 0], [9, 0], [9, float("inf")], [0, 5]],
    ],
)
def test_corners_that_enclose_nothing_are_refused(corners):
    with pytest.raises(ValueError, match="corners"):
        in_order(np.array(corners, np.float32))


def test_other_polygons_become_the_rectangle_around_them():
    expected = [[0, 0], [9, 0], [9, 9], [0, 9]]
    assert outline(np.array([[0, 0], [9, 0], [2, 1], [0, 9]], float)).tolist() == expected
    assert outline(np.array([[0, 3], [5, 0], [9, 3], [7, 9], [2, 8]], float)).tolist() == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [((0, 0, 10, 10), 1), ((20, 0, 10, 10), 0), ((5, 0, 10, 10), 50 / 150), ((2, 2, 4, 4), 0.16), ((3, 3, 0, 0), 0)],
)
def test_overlap_of_rectangles_is_a_ratio_of_areas(other, expected):
    pair = rectangle(0, 0, 10, 10), rectangle(*other)
    assert overlap(*pair) == pytest.approx(expected, abs=1e-6)
    assert overlap(*pair[::-1]) == pytest.approx(expected, abs=1e-6)


def test_overlap_of_tilted_objects_is_that_of_their_pixels():
    random = np.random.default_rng(0)
    for _ in range(20):
        pair = [cv2.boxPoints(((50, 50), tuple(random.uniform(20, 60, 2)), random.uniform(0, 90))) for _ in range(2)]
        masks = [cv2.fillConvexPoly(np.zeros((800, 800), np.uint8), (8 * x).astype(np.int32), (1,)) for x in pair]
        pixels = np.sum(np.minimum(*masks)) / np.sum(np.maximum(*masks))
        assert overlap(*pair) == pytest.approx(pixels, abs=0.02)
