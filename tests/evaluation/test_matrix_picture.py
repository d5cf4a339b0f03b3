"""Matrices are drawn cell by cell, beside the names of their rows and above those of their columns."""

import numpy as np
import pytest

from recog.evaluation.matrix_picture import PAPER, in_columns, matrix_picture

CELL = (30, 20)


def cells(picture, rows, columns, top=0):
    """Middle pixel of each cell of a matrix that ends at the right edge."""
    left = picture.shape[1] - columns * CELL[0]
    places = [
        (top + 3 + CELL[1] * row, left + 3 + CELL[0] * column) for row in range(rows) for column in range(columns)
    ]
    return np.array([picture[place] for place in places]).reshape(rows, columns, 3)


def test_larger_shares_are_darker():
    shares = np.array([[0.0, 0.25, 0.5], [0.75, 1.0, 1.5]])
    drawn = cells(matrix_picture(shares, ["a", "b"], cell=CELL), 2, 3).astype(int).sum(axis=2)
    assert (np.diff(drawn.ravel())[:4] < -30).all()
    assert drawn[1, 2] == drawn[1, 1], "shares above 1 are as dark as 1"
    assert drawn[0, 0] > 3 * 240


def test_numbers_are_written_into_their_cells_alone():
    numbers = np.array([[0, 7], [123456, 0]])
    shares = np.array([[0.0, 0.1], [0.9, 0.2]])
    names = ["a", "b"]
    plain, numbered = (matrix_picture(shares, names, cell=CELL, numbers=given) for given in (None, numbers))
    changed = (plain != numbered).any(axis=2)[:, -2 * CELL[0] :].reshape(2, CELL[1], 2, CELL[0]).any(axis=(1, 3))
    np.testing.assert_array_equal(changed, numbers > 0)


def test_names_stand_beside_and_below_and_never_move_the_cells():
    shares, names = np.ones((2, 3)), ["missed", "京"]
    bare = matrix_picture(shares, names, cell=CELL)
    named = matrix_picture(shares, names, ["a", "京", "a very long name of a class"], cell=CELL, title="some text")
    assert bare.shape[0] == 2 * CELL[1]
    assert (bare[:, :-90] < 150).any()
    top = len(named) - len(matrix_picture(shares, names, ["a", "京", "a very long name of a class"], cell=CELL))
    assert top > 0
    below = named[top + 2 * CELL[1] :, -3 * CELL[0] :].reshape(-1, 3, CELL[0], 3).min(axis=(0, 2, 3))
    assert (below < 150).all(), "each column has a name"
    np.testing.assert_array_equal(cells(named, 2, 3, top), cells(bare, 2, 3))


def test_no_cells_are_refused():
    with pytest.raises(ValueError, match=r"\(0, 3\)"):
        matrix_picture(np.zeros((0, 3)), [])


def test_pictures_of_any_size_are_arranged_in_rows():
    pictures = [
        np.full((height, width, 3), value, np.uint8) for height, width, value in [(5, 9, 1), (7, 3, 2), (2, 2, 3)]
    ]
    sheet = in_columns(pictures, 2)
    height, width = len(sheet) // 2, sheet.shape[1] // 2
    assert height > 7
    assert width > 9
    assert (sheet[:5, :9] == 1).all()
    assert (sheet[:7, width : width + 3] == 2).all()
    assert (sheet[height : height + 2, :2] == 3).all()
    assert (sheet[height:, width:] == PAPER).all()
