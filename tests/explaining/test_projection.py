"""Places of feature maps in pictures."""

import numpy as np
import pytest

from recog.explaining.projection import project, scale


@pytest.mark.parametrize(
    ("cells", "pixels", "first", "stride"),
    [
        (25, 200, 3.5, 8),  # padded convolutions: cells cover the picture
        (18, 94, 12.5, 4),  # LPRNet: convolutions without padding leave out the borders
        (27, 100, -2.5, 4),  # CRNN: overlapping pools reach beyond them
    ],
)
def test_cells_are_centred_and_as_wide_as_the_strides(cells, pixels, first, stride):
    ramp = first + stride * np.arange(cells)[None, None, :]  # every cell holds its own place
    found = project(ramp, (1, pixels))[0, 0]
    inside = (np.arange(pixels) >= first) & (np.arange(pixels) <= first + stride * (cells - 1))
    np.testing.assert_allclose(found[inside], np.arange(pixels)[inside], rtol=1e-5)
    assert found[0] == max(first, 0)
    assert found[-1] == min(first + stride * (cells - 1), pixels - 1)


def test_maps_of_rectified_pictures_are_moved_back():
    hot = np.zeros((1, 8, 16))
    hot[0, 1:4, 4:7] = 1  # around row 2, column 5 of the rectified picture
    matrix = np.array([[0.5, 0.0, 4.0], [0.25, 0.5, 1.0]])  # to the picture's pixels
    found = project(hot, (8, 16), matrix)[0]
    centre = [(found * places).sum() / found.sum() for places in np.meshgrid(np.arange(16), np.arange(8))]
    np.testing.assert_allclose(centre, matrix @ [5, 2, 1], atol=0.25)
    assert not found[:, :4].any()  # left of the quadrilateral


def test_maps_without_evidence_and_with_nan_are_zero():
    maps = project(np.array([[[np.nan, np.nan]], [[-1.0, -2.0]], [[0.0, 3.0]]]), (1, 4))
    assert scale(maps).max(axis=(1, 2)).tolist() == [0, 0, 1]
    assert scale(np.zeros((0, 2, 3), np.float32)).shape == (0, 2, 3)
