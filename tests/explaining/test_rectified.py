"""Rectified pictures and their corners."""

import numpy as np

from recog.explaining.rectified import corners_of, rectified_picture


def test_corners_lie_where_the_affine_map_puts_them():
    found = corners_of(np.array([[0.5, 0.1, 3.0], [-0.2, 0.8, 1.0]]), (4, 10))
    expected = [
        [0.5 * x + 0.1 * y + 3, -0.2 * x + 0.8 * y + 1] for x, y in [(-0.5, -0.5), (9.5, -0.5), (9.5, 3.5), (-0.5, 3.5)]
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_pictures_are_pixels_again():
    found = rectified_picture(np.array([[[-1.0], [0.0], [1.0], [np.nan]]]))
    assert found.dtype == np.uint8
    assert found[0, :, 0].tolist()[:3] == [0, 128, 255]
