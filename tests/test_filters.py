"""Filters against their definitions in NumPy."""

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recog.filters import OFFSET, apply_filters, check_filters

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (23, 37, 3), dtype=np.uint8)
GRAY = RNG.integers(0, 256, (23, 37, 1), dtype=np.uint8)
EVERY = ["gray", "gaussian3", "gaussian5", "median3", "median7", "otsu", "adaptive11", "open2", "open5", "close2"]
PICTURES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])).flatmap(
    lambda shape: arrays(np.uint8, shape)
)


def windows(picture: np.ndarray, side: int) -> np.ndarray:
    """``H W C N``: each pixel's window, where the border goes on beyond the picture."""
    half = side // 2
    padded = np.pad(picture, [(half, half), (half, half), (0, 0)], mode="edge")
    seen = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    return seen.reshape(*picture.shape, side * side)


def gaussian_weights(side: int) -> np.ndarray:
    deviation = 0.15 * side + 0.35
    weights = np.exp(-0.5 * ((np.arange(side) - side // 2) / deviation) ** 2)
    return np.outer(weights, weights).ravel() / weights.sum() ** 2


def luma(picture: np.ndarray) -> np.ndarray:
    return picture @ np.array([0.299, 0.587, 0.114]) if picture.shape[2] == 3 else picture[..., 0].astype(float)


def opening(picture: np.ndarray, side: int) -> np.ndarray:
    """The union of all windows below the picture: at each pixel, the best of those windows' minima that cover it.

    A window counts that has its middle pixel inside; what it holds outside does not.
    """
    height, width, _ = picture.shape
    first = side - side // 2
    padded = np.pad(picture.astype(int), [(side, side), (side, side), (0, 0)], constant_values=999)
    out = np.zeros(padded.shape, int)
    for y, x in itertools.product(range(first, first + height), range(first, first + width)):
        place = np.s_[y : y + side, x : x + side]
        out[place] = np.maximum(out[place], padded[place].min(axis=(0, 1)))
    return out[side:-side, side:-side]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("picture", [GRAY, COLOURS, GRAY[:1, :1], COLOURS[:1], COLOURS[:, :1], GRAY[:2, :3]])
def test_a_picture_keeps_shape_and_type_and_itself(name, picture):
    before = picture.copy()
    filtered = apply_filters(picture, (name,))
    assert (filtered.shape, filtered.dtype) == (picture.shape, np.uint8)
    np.testing.assert_array_equal(picture, before)


def test_no_filter_is_no_copy_and_several_are_applied_in_order():
    assert apply_filters(COLOURS, ()) is COLOURS
    apart = apply_filters(apply_filters(COLOURS, ("median3",)), ("otsu",))
    np.testing.assert_array_equal(apply_filters(COLOURS, ["median3", "otsu"]), apart)
    assert (apart != apply_filters(COLOURS, ("otsu", "median3"))).any()


def test_gray_is_the_luma_in_every_channel():
    gray = apply_filters(COLOURS, ("gray",))
    np.testing.assert_allclose(gray, np.repeat(luma(COLOURS)[..., None], 3, axis=2), atol=0.51)
    np.testing.assert_array_equal(apply_filters(GRAY, ("gray",)), GRAY)


@pytest.mark.parametrize("picture", [GRAY, COLOURS])
@pytest.mark.parametrize("side", [3, 5, 9])
def test_gaussian_is_the_weighted_mean_of_the_window(side, picture):
    expected = windows(picture, side) @ gaussian_weights(side)
    np.testing.assert_allclose(apply_filters(picture, (f"gaussian{side}",)), expected, atol=2)  # OpenCV's fixed point


@pytest.mark.parametrize("side", [3, 7])
@given(picture=PICTURES)
def test_median_is_the_middle_of_the_window(side, picture):
    expected = np.median(windows(picture, side), axis=-1)
    np.testing.assert_array_equal(apply_filters(picture, (f"median{side}",)), expected)


@given(picture=PICTURES.filter(lambda picture: picture.shape[2] == 1))
def test_otsu_cuts_where_the_classes_differ_most(picture):
    binary = apply_filters(picture, ("otsu",))
    values = picture.astype(float)

    def spread(above: np.ndarray) -> float:
        """The variance between the classes."""
        share = above.mean()
        return share * (1 - share) * (values[above].mean() - values[~above].mean()) ** 2 if 0 < share < 1 else 0.0

    assert set(np.unique(binary)) <= {0, 255}
    best = max(spread(picture > threshold) for threshold in np.unique(picture))
    np.testing.assert_allclose(spread(binary == 255), best, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("picture", [GRAY, COLOURS])
@pytest.mark.parametrize("side", [3, 11])
def test_adaptive_compares_with_the_mean_of_the_window(side, picture):
    grey = np.floor(luma(picture) + 0.5)
    mean = windows(grey[..., None], side)[..., 0, :] @ gaussian_weights(side)
    binary = apply_filters(picture, (f"adaptive{side}",))
    assert set(np.unique(binary)) == {0, 255}
    sure = abs(grey - mean + OFFSET) > 2.5  # beyond all rounding
    assert sure.mean() > 0.9
    for channel in range(picture.shape[2]):
        np.testing.assert_array_equal(binary[..., channel][sure] == 255, (grey > mean - OFFSET)[sure])


def test_adaptive_leaves_flat_paper_white_in_uneven_light():
    shade = np.broadcast_to(np.linspace(60, 200, 100), (20, 100)).astype(np.uint8)[..., None]
    assert (apply_filters(shade, ("adaptive11",)) == 255).all()


@pytest.mark.parametrize("side", [2, 3, 4, 5])
@given(picture=PICTURES)
def test_opening_is_the_union_of_the_windows_that_fit_below_and_closing_its_mirror_image(side, picture):
    np.testing.assert_array_equal(apply_filters(picture, (f"open{side}",)), opening(picture, side))
    np.testing.assert_array_equal(apply_filters(picture, (f"close{side}",)), 255 - opening(255 - picture, side))


@pytest.mark.parametrize("side", [3, 5])
def test_odd_windows_open_and_close_as_those_of_opencv(side):
    for name, operation in (("open", cv2.MORPH_OPEN), ("close", cv2.MORPH_CLOSE)):
        theirs = cv2.morphologyEx(COLOURS, operation, np.ones((side, side), np.uint8))
        np.testing.assert_array_equal(apply_filters(COLOURS, (f"{name}{side}",)), theirs)


def test_specks_vanish_and_strokes_stay_where_they_are():
    paper = np.full((20, 30, 1), 200, np.uint8)
    paper[5:15, 8:11] = 20
    speckled = paper.copy()
    speckled[3, 20] = 20
    np.testing.assert_array_equal(apply_filters(speckled, ("close2",)), paper)
    np.testing.assert_array_equal(apply_filters(255 - speckled, ("open2",)), 255 - paper)
    np.testing.assert_array_equal(apply_filters(speckled, ("median3", "otsu"))[5:15, 9], 0)


def test_every_name_is_checked_wherever_it_stands():
    for names in ((), EVERY):  # valid
        check_filters(names)
    for place in range(len(EVERY) + 1):
        with pytest.raises(ValueError, match="'blur'"):
            check_filters([*EVERY[:place], "blur", *EVERY[place:]])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("medain3", "choose gray, gaussian3"),
        ("", "choose gray"),
        ("otsu3", "choose gray"),
        ("gray1", "choose gray"),
        ("median 3", "choose gray"),
        ("median-3", "choose gray"),
        ("Median3", "choose gray"),
        ("median", "odd side from 3 to 255"),
        ("median1", "odd side"),
        ("median4", "odd side"),
        ("median257", "odd side"),
        ("gaussian2", "odd side"),
        ("adaptive10", "odd side"),
        ("open", "side from 2 to 255"),
        ("open1", "side from 2"),
        ("close256", "side from 2"),
    ],
)
def test_unknown_filters_are_named(name, message):
    for refuse in (lambda: check_filters(("gray", name)), lambda: apply_filters(GRAY, ("gray", name))):
        with pytest.raises(ValueError, match=f"{name!r}.*{message}"):
            refuse()


def test_one_name_that_is_no_sequence_is_refused():
    with pytest.raises(ValueError, match=r"a sequence of names, \('otsu',\)"):
        check_filters("otsu")
