"""Crops of plates in perspective are upright, whole, and of the plate's own size; useless corners are replaced."""

import cv2
import numpy as np
import pytest

from recog.rectify import ELONGATED, box_corners, rectify, usable_corners

BOX = np.array([20.0, 30, 80, 50])
CORNERS = box_corners(BOX)


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture without sharp edges, which survives interpolation."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def test_an_upright_box_is_cut_out_exactly():
    picture = smooth(64, 128)
    np.testing.assert_array_equal(rectify(picture, CORNERS, least=1, margin=0), picture[30:50, 20:80])
    wide = rectify(picture, CORNERS, least=1, margin=0.2)
    np.testing.assert_array_equal(wide, picture[26:54, 16:84])


@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_a_plate_in_perspective_is_straightened(margin):
    plate = smooth(40, 120)
    corners = np.array([[60, 50], [230, 90], [215, 150], [50, 95]], np.float32)
    own = np.array([[0, 0], [120, 0], [120, 40], [0, 40]], np.float32)
    matrix = cv2.getPerspectiveTransform(own - np.float32(0.5), corners - np.float32(0.5))
    picture = cv2.warpPerspective(plate, matrix, (300, 200), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    crop = rectify(picture, corners.astype(float), least=1, margin=margin)
    height, width = 61.8, 174.6  # the longer of opposite sides
    assert crop.shape[:2] == pytest.approx((height * (1 + 2 * margin), width + 2 * margin * height), abs=1.5)
    edge = round(margin * height)
    inside = crop[edge : crop.shape[0] - edge, edge : crop.shape[1] - edge]
    difference = cv2.resize(inside, (120, 40), interpolation=cv2.INTER_AREA).astype(int) - plate
    assert np.abs(difference[2:-2, 2:-2]).mean() < 4


def test_small_plates_are_enlarged_while_they_are_warped():
    crop = rectify(smooth(64, 128), CORNERS, least=60, margin=0)
    assert crop.shape == (60, 180, 3)


@pytest.mark.parametrize("shape", [(100, 33000, 1), (33000, 100, 3)])
def test_pictures_beyond_the_limits_of_opencv_are_cut(shape):
    picture = np.zeros(shape, np.uint8)
    x, y = shape[1] - 90, shape[0] - 40
    picture[y : y + 20, x : x + 60] = 200
    crop = rectify(picture, box_corners(np.array([x, y, x + 60, y + 20])), least=1, margin=0)
    assert crop.shape == (20, 60, shape[2])
    assert (crop == 200).all()


@pytest.mark.parametrize("box", [(0, 10, 100, 10), (99, 0, 99, 60), (100, 60, 100, 60), (0, 5, 100, 5.5)])
def test_slivers_and_boxes_on_the_border_make_crops_that_can_be_scaled(box):
    corners = usable_corners(np.zeros((4, 2)), np.array(box))
    rows, columns, _ = rectify(smooth(64, 104)[:60, :100], corners, least=32).shape
    assert rows >= 32
    assert max(rows, columns) <= ELONGATED * min(rows, columns) + 1


@pytest.mark.parametrize(
    "corners",
    [
        CORNERS,
        [[22, 28], [83, 33], [79, 52], [18, 47]],
        [[-10, 30], [80, 30], [80, 50], [-10, 50]],  # beyond the border of the picture, where boxes end
    ],
)
def test_good_corners_are_kept(corners):
    np.testing.assert_array_equal(usable_corners(np.array(corners), BOX), corners)


@pytest.mark.parametrize(
    "corners",
    [
        [[20, 30], [80, 50], [80, 30], [20, 50]],  # crossed
        [[20, 30], [80, 30], [80, 50], [60, 34]],  # not convex
        [[20, 30], [20, 50], [80, 50], [80, 30]],  # counter-clockwise
        [[20, 30], [80, 30], [80, 31], [20, 31]],  # a line
        [[20, 30], [80, 48], [80, 50], [20, 32]],  # a diagonal
        [[500, 30], [560, 30], [560, 50], [500, 50]],  # elsewhere
        [[-500, -500], [600, -500], [600, 600], [-500, 600]],  # all over the place
        [[np.nan, 30], [80, 30], [80, 50], [20, 50]],
        [[np.inf, 30], [80, 30], [80, 50], [20, 50]],
    ],
)
def test_corners_without_use_are_replaced_by_the_box(corners):
    np.testing.assert_array_equal(usable_corners(np.array(corners, float), BOX), CORNERS)
