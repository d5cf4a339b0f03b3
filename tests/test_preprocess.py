"""From pictures to a model's pixels: size, channels, filters, and what is refused."""

import numpy as np
import pytest

from recog.images import WIDEST
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
        np.zeros((32, 10, 4), np.uint8),
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
