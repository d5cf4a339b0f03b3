"""Pictures of any size become batches of a few shapes, and no pixel of them changes on the way."""

import numpy as np
import pytest

from recog.export.pictures import fit, groups, pad
from recog.images import WIDEST


def test_fit_brings_height_and_channels():
    gray = np.random.default_rng(0).integers(0, 256, (32, 10), np.uint8)
    np.testing.assert_array_equal(fit(gray, 32, 1)[..., 0], gray)
    np.testing.assert_array_equal(fit(gray[..., None], 32, 3), np.repeat(gray[..., None], 3, axis=2))
    red = np.zeros((32, 10, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    np.testing.assert_array_equal(fit(red, 32, 3), red)
    np.testing.assert_array_equal(fit(red, 32, 1), 76)  # 0.299 of 255: Rec. 601 luma
    assert fit(red, 16, 3).shape == (16, 5, 3)
    assert fit(gray, 64, 1).shape == (64, 20, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_filters_see_the_picture_in_its_own_size(channels):
    stripes = np.tile(np.array([90, 110, 130, 110], np.uint8), (64, 20))
    binary = np.where(stripes > 109, 255, 0).astype(np.uint8)  # Otsu's cut: one class is 90, the other the rest
    np.testing.assert_array_equal(fit(stripes, 64, channels, filters=("otsu",))[..., 0], binary)
    small = fit(stripes, 16, channels, filters=("otsu",))
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
def test_what_is_no_picture_is_refused(array):
    with pytest.raises(ValueError, match="is no picture: give uint8"):
        fit(array, 32, 1)


def test_a_picture_that_holds_no_line_of_text_is_refused():
    assert fit(np.zeros((1, WIDEST // 32), np.uint8), 32, 1).shape == (32, WIDEST, 1)
    with pytest.raises(ValueError, match="crop it"):
        fit(np.zeros((1, WIDEST // 32 + 1), np.uint8), 32, 1)


def test_groups_hold_every_picture_once_and_none_is_padded_to_more_than_four_times_its_width():
    random = np.random.default_rng(0)
    for count in (0, 1, 2, 40):
        widths = np.exp(random.uniform(0, 8, count)).astype(int).tolist()
        found = groups(widths)
        assert sorted(index for group in found for index in group) == list(range(count))
        for group in found:
            assert max(widths[i] for i in group) <= 4 * min(widths[i] for i in group)
    assert len(groups([60, 100, 200, 230])) == 1


def test_pad_keeps_pixels_and_adds_zeros():
    given = [np.full((32, width, 3), width, np.uint8) for width in (5, 70, 33)]
    images, widths = pad(given)
    assert images.shape == (4, 32, 96, 3)
    assert widths.tolist() == [5, 70, 33, 0]
    for row, picture in enumerate(given):
        np.testing.assert_array_equal(images[row, :, : widths[row]], picture)
        assert not images[row, :, widths[row] :].any()
    assert not images[3].any()


def test_few_shapes_for_all_widths_and_little_padding():
    padded = {}
    for width in range(1, WIDEST + 1):
        images, _ = pad([np.zeros((1, width, 1), np.uint8)])
        padded[width] = images.shape[2]
        assert images.shape[2] % 32 == 0
        assert width <= images.shape[2] < max(width + 32, 1.25 * width)
    assert len(set(padded.values())) == 8 + 4 * 4
