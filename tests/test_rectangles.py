"""Overlaps of rectangles by hand."""

import numpy as np

from recog.rectangles import overlaps


def test_overlaps_of_rectangles():
    square = [0, 0, 10, 10]
    others = [square, [20, 0, 30, 10], [5, 0, 15, 10], [2, 2, 6, 6], [3, 3, 3, 3], [10, 0, 20, 10], [8, 8, 2, 2]]
    expected = [[1, 0, 50 / 150, 16 / 100, 0, 0, 0]]
    np.testing.assert_allclose(overlaps(np.array([square], float), np.array(others, float)), expected)
    np.testing.assert_allclose(overlaps(np.array(others, float), np.array([square], float)).T, expected)
    assert overlaps(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)
