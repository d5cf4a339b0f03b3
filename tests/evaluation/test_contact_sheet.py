"""Contact sheets show every picture, and tell right from wrong."""

import cv2
import numpy as np
import pytest

from recog.evaluation.contact_sheet import CELL, RIGHT, WRONG, Tile, contact_sheet, write_contact_sheet


def picture(height=20, width=60, channels=1, value=128):
    return np.full((height, width, channels), value, np.uint8)


def has_colour(cell, colour) -> bool:
    return bool(np.any(np.all(np.abs(cell.astype(int) - colour) < 12, axis=-1)))


def test_tiles_fill_rows_of_equal_cells():
    sheet = contact_sheet([Tile(picture(), str(n)) for n in range(7)], columns=3)
    assert sheet.shape == (3 * CELL[1], 3 * CELL[0], 3)


def test_right_is_green_and_wrong_is_red():
    sheet = contact_sheet([Tile(picture(), "12", "12"), Tile(picture(), "12", "21")], columns=2)
    right, wrong = sheet[:, : CELL[0]], sheet[:, CELL[0] :]
    assert has_colour(right, RIGHT)
    assert not has_colour(right, WRONG)
    assert has_colour(wrong, WRONG)
    assert not has_colour(wrong, RIGHT)


@pytest.mark.parametrize("shape", [(1, 1, 1), (500, 3, 3), (3, 2000, 3), (32, 100, 1)])
def test_pictures_of_any_shape_fit_their_cell(shape):
    assert contact_sheet([Tile(np.zeros(shape, np.uint8), "x")], columns=1).shape == (CELL[1], CELL[0], 3)


def test_captions_of_any_length_and_script_stay_in_their_cell():
    texts = ["", "皖A·12345", "a" * 200]
    sheet = contact_sheet([Tile(picture(), text, "y") for text in texts], columns=1)
    assert sheet.shape[1] == CELL[0]
    assert (sheet[:, -2:] > 200).all(), "nothing runs into the next cell"


def test_written_as_png_in_rgb(tmp_path):
    write_contact_sheet(tmp_path / "sheet.png", [Tile(np.tile(np.array([255, 0, 0], np.uint8), (20, 60, 1)), "red")], 1)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    blue, _, red = sheet[CELL[1] // 3, CELL[0] // 2]
    assert red > 200 > blue


def test_no_tiles_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])
