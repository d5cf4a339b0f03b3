"""From pictures to a model's pixels: size, channels, filters, and what is refused."""

import json

import cv2
import numpy as np
import pytest

from recog.images import WIDEST, decode
from recog.preprocess import Preprocess


def test_height_and_channels():
    gray = np.random.default_rng(0).integers(0, 256, (32, 10), np.uint8)
    np.testing.assert_array_equal(Preprocess(32, channels=1)(gray)[..., 0], gray)
    np.testing.assert_array_equal(Preprocess(32, channels=3)(gray[..., None]), np.repeat(gray[..., None], 3, axis=2))
    red = np.zeros((32, 10, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    np.testing.assert_array_equal(Preprocess(32, channels=3)(red), red)
    np.testing.assert_array_equal(Preprocess(32, channels=1)(red), 76)  # 0.299 of 255: Rec. 601 luma
    assert Preprocess(16, channels=3)(red).shape == (16, 5, 3)
    assert Preprocess(64, channels=1)(gray).shape == (64, 20, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_filters_see_the_picture_in_its_own_size(channels):
    stripes = np.tile(np.array([90, 110, 130, 110], np.uint8), (64, 20))
    binary = np.where(stripes > 109, 255, 0).astype(np.uint8)  # Otsu's cut: one class is 90, the other the rest
    np.testing.assert_array_equal(Preprocess(64, channels=channels, filters=("otsu",))(stripes)[..., 0], binary)
    small = Preprocess(16, channels=channels, filters=("otsu",))(stripes)
    assert small.shape == (16, 20, channels)
    np.testing.assert_array_equal(small, round(255 * 3 / 4))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((32, 10, 2), np.uint8),
        np.zeros((32, 10, 5), np.uint8),
        np.zeros((32, 10, 4), np.float32),
        np.zeros((0, 10, 4), np.uint8),
        np.zeros((32, 10, 3), np.float32),
        np.zeros((0, 10), np.uint8),
        np.zeros((32, 0, 3), np.uint8),
        np.zeros(32, np.uint8),
        np.zeros((1, 32, 10, 3), np.uint8),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_other_arrays_are_refused(array):
    with pytest.raises(ValueError, match="is not a picture: give uint8"):
        Preprocess(32, channels=1)(array)


def test_a_picture_that_holds_no_line_of_text_is_refused():
    assert Preprocess(32, channels=1)(np.zeros((1, WIDEST // 32), np.uint8)).shape == (32, WIDEST, 1)
    with pytest.raises(ValueError, match="crop it"):
        Preprocess(32, channels=1)(np.zeros((1, WIDEST // 32 + 1), np.uint8))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_array_with_alpha_is_its_file(channels):
    rgba = np.random.default_rng(0).integers(0, 256, (32, 20, 4), np.uint8)
    encoded = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))[1].tobytes()
    preprocess = Preprocess(32, channels=channels)
    np.testing.assert_array_equal(preprocess(rgba), decode(encoded, channels))
    np.testing.assert_array_equal(preprocess(encoded), decode(encoded, channels))


def upright(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("width", [0, 94])
@pytest.mark.parametrize(("degrees", "quarters"), [(90, 1), (270, -1)])
def test_tall_pictures_are_turned_clockwise_before_scaling(degrees, quarters, width):
    line = upright(40, 90)
    column = np.rot90(line, quarters)  # counterclockwise, which the rotation undoes
    preprocess = Preprocess(32, width, channels=3, filters=("median3",), rotate_tall=degrees)
    expected = Preprocess(32, width, channels=3, filters=("median3",))(line)
    encoded = cv2.imencode(".png", column[..., ::-1])[1].tobytes()
    for picture in (column, encoded, preprocess.decode(column), line):
        np.testing.assert_array_equal(preprocess(picture), expected)
    assert preprocess.scaled_size(90, 40) == preprocess.scaled_size(40, 90) == expected.shape[:2]
    assert Preprocess(32, channels=3)(column).shape == (32, 14, 3)


@pytest.mark.parametrize(("height", "turns"), [(59, False), (60, True)])
def test_pictures_of_one_and_a_half_times_their_width_are_tall(height, turns):
    preprocess = Preprocess(32, channels=1, rotate_tall=90)
    width = preprocess(np.zeros((height, 40), np.uint8)).shape[1]
    assert width == preprocess.scaled_size(height, 40)[1] == (round(32 * 60 / 40) if turns else round(32 * 40 / 59))


@pytest.mark.parametrize("degrees", [-90, 45, 180, 360])
def test_other_rotations_are_refused(degrees):
    with pytest.raises(ValueError, match=f"data.rotate_tall={degrees}: choose 0, 90 or 270"):
        Preprocess(32, rotate_tall=degrees)


@pytest.mark.parametrize("degrees", [0, 90])
def test_settings_come_back_and_those_of_earlier_versions_turn_nothing(degrees):
    preprocess = Preprocess(32, 94, filters=("otsu",), rotate_tall=degrees)
    saved = json.loads(json.dumps(preprocess.to_json()))
    assert Preprocess.from_json(saved) == preprocess
    assert ("rotate_tall" in saved) == bool(degrees)
    assert Preprocess.from_json({"height": 32, "width": 0, "channels": 1, "filters": []}) == Preprocess(32)


@pytest.mark.parametrize(
    ("size", "fitted"),
    [((600, 800), (48, 64)), ((800, 600), (48, 36)), ((30, 40), (48, 64)), ((48, 64), (48, 64)), ((1, 900), (1, 64))],
)
def test_letterboxed_pictures_fit_and_keep_their_aspect_ratio(size, fitted):
    preprocess = Preprocess(48, 64, letterbox=True)
    assert preprocess.scaled_size(*size) == fitted
    assert preprocess(np.zeros(size, np.uint8)).shape == (*fitted, 1)


def test_a_letterboxed_picture_is_scaled_by_area():
    picture = np.random.default_rng(0).integers(0, 256, (96, 64, 3), np.uint8)
    expected = cv2.resize(picture, (16, 24), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(Preprocess(24, 64, 3, letterbox=True)(picture), expected)


def test_letterboxing_needs_a_width_and_is_saved_only_if_set():
    with pytest.raises(ValueError, match=r"data\.letterbox.*set data\.width"):
        Preprocess(48, letterbox=True)
    for preprocess in (Preprocess(48, 64, letterbox=True), Preprocess(48, 64)):
        saved = preprocess.to_json()
        assert Preprocess.from_json(saved) == preprocess
        assert ("letterbox" in saved) == preprocess.letterbox
