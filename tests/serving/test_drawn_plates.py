"""Outlines and texts are inside the drawing, legible, and beside the plate; drawings do not overwrite anything."""

import cv2
import numpy as np
import pytest

from recog.serving.drawn_plates import COLOUR, LEAST, SMALL, DrawnFolder, draw_plates
from recog.serving.plate_reader import Plate


def plate(left: float, top: float, right: float, bottom: float, text: str = "京A88731") -> Plate:
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Plate(text, 0.5, [], (left, top, right, bottom), corners, 0.9, "plate")


def ground(shown: np.ndarray) -> np.ndarray:
    """Rows whose longest run of the ground's colour is that of a text, not of an outline's side."""
    return (shown == COLOUR).all(axis=2)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_text_is_above_the_plate_and_the_plate_stays_visible(channels):
    picture = np.full((600, 800, channels), 90, np.uint8)
    shown = draw_plates(picture, [plate(300, 300, 420, 340)])
    assert shown.shape == (600, 800, 3)
    assert (shown[302:338, 302:418] == 90).all()
    label = ground(shown)[:295]
    assert label.sum() > 100 * LEAST
    rows, columns = np.nonzero(label)
    assert rows.min() > 250
    assert columns.min() == pytest.approx(300, abs=3)
    assert (shown[rows.min() : rows.max(), columns.min() : columns.max()] == 0).all(axis=2).sum() > 100, "ink"
    assert (picture == 90).all()


@pytest.mark.parametrize("corner", [(0, 0), (680, 0), (0, 560), (680, 560), (-60, 200), (760, 300)])
@pytest.mark.parametrize("text", ["京A88731", "京" * 80])
def test_the_whole_text_is_inside_the_picture(corner, text):
    x, y = corner
    shown = draw_plates(np.full((600, 800, 3), 90, np.uint8), [plate(x, y, x + 120, y + 40, text)])
    without = draw_plates(np.full((600, 800, 3), 90, np.uint8), [plate(x, y, x + 120, y + 40, "京")])
    added = ground(shown).sum() - ground(without).sum()
    assert added > 50 * LEAST, "a longer text needs more ground"
    inner = draw_plates(np.full((600, 800, 3), 90, np.uint8), [plate(340, 300, 460, 340, text)])
    ink = [(drawn == 0).all(axis=2).sum() for drawn in (shown, inner)]
    assert ink[0] == pytest.approx(ink[1], rel=0.1), "no part of the text is cut off"


@pytest.mark.parametrize("size", [(20, 60), (3000, 4000)])
def test_texts_are_legible_in_small_and_in_large_pictures(size):
    height, width = size
    shown = draw_plates(
        np.full((*size, 3), 90, np.uint8), [plate(0.3 * width, 0.5 * height, 0.6 * width, 0.7 * height)]
    )
    assert max(shown.shape[:2]) >= SMALL
    rows = np.flatnonzero(ground(shown).sum(axis=1) > 0.05 * shown.shape[1])
    assert rows[-1] - rows[0] > max(LEAST, shown.shape[1] / 40)


def test_plates_without_a_text_have_the_name_of_their_class():
    picture = np.full((600, 800, 3), 90, np.uint8)
    assert ground(draw_plates(picture, [plate(300, 300, 420, 340, "")])).sum() > 80 * LEAST
    np.testing.assert_array_equal(draw_plates(picture, []), picture)


def test_files_of_the_same_name_have_drawings_of_their_own(tmp_path):
    paths = [
        tmp_path / name for name in ("a/1.jpg", "b/1.jpg", "b/1.png", "b/1-2.jpg", "B/1.JPG", "film.mp4", "film.mp4")
    ]
    folder = DrawnFolder(tmp_path / "drawn", paths)
    written = [
        folder.write(path, np.full((500, 500, 3), 30 * number, np.uint8), [], number if path.suffix == ".mp4" else None)
        for number, path in enumerate(paths)
    ]
    assert len({path.name.casefold() for path in written}) == len(paths)
    assert [path.name for path in written[:2]] == ["1.jpg", "1-2.jpg"]
    assert written[-1].name == "film_000006.jpg"
    for number, path in enumerate(written):
        assert abs(int(cv2.imread(str(path)).mean()) - 30 * number) <= 2  # type: ignore[union-attr]


def test_a_folder_with_photographs_to_read_is_refused(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(ValueError, match=r"a\.jpg would be overwritten"):
        DrawnFolder(tmp_path / "photos", [tmp_path / "b.jpg", tmp_path / "photos" / ".." / "photos" / "a.jpg"])
