"""Heat maps show the classes that frames read in the order of the text, below the picture they belong to."""

import numpy as np
import pytest

from recog.evaluation import heat_picture as module
from recog.evaluation.heat_picture import ROWS, WIDTH, heat_picture

NAMES = ("", *"abcdefghijklmnopqrstuvwxyz")


@pytest.fixture
def drawn(monkeypatch):
    """Arguments of the matrices that are drawn."""
    calls, draw = [], module.matrix_picture

    def matrix_picture(shares, rows, **settings):
        calls.append((shares, rows, settings))
        return draw(shares, rows, **settings)

    monkeypatch.setattr(module, "matrix_picture", matrix_picture)
    return calls


def frames(*classes):
    """Frames that are sure of these classes, but for a hundredth."""
    shares = np.full((len(classes), len(NAMES)), 0.01 / (len(NAMES) - 1))
    shares[np.arange(len(classes)), classes] = 0.99
    return shares


def test_a_clear_reading_is_a_staircase_above_the_blank(drawn):
    shares = frames(0, 3, 0, 1, 1, 0, 2)
    picture = heat_picture(np.zeros((32, 100, 1), np.uint8), shares, NAMES, "cab")
    ((shown, rows, settings),) = drawn
    assert rows == ["c", "a", "b", "blank"]
    np.testing.assert_array_equal(shown, shares[:, [3, 1, 2, 0]].T)
    assert settings["title"] == "cab"
    assert settings["above"].shape[1] == 7 * settings["cell"][0] == pytest.approx(WIDTH, abs=7)
    assert picture.dtype == np.uint8


def test_the_picture_lies_above_the_frames_that_read_it(drawn):
    image = np.zeros((20, 100, 3), np.uint8)
    image[:, 25:50] = 255
    heat_picture(image, frames(0, 1, 0, 0), NAMES, "a")
    ((_, _, settings),) = drawn
    columns = settings["above"].mean(axis=(0, 2)).reshape(4, -1).mean(axis=1)
    assert columns[1] > 250
    assert columns[[0, 2, 3]].max() < 5


@pytest.mark.parametrize("count", [1, 40, 1000])
def test_doubtful_frames_show_a_bounded_number_of_classes(drawn, count):
    shares = np.full((count, len(NAMES)), 1 / len(NAMES))
    picture = heat_picture(np.zeros((32, 100, 3), np.uint8), shares, NAMES, "")
    assert len(drawn[0][1]) == ROWS + 1
    assert picture.shape[1] < 1200


def test_sure_blanks_show_the_likeliest_class_as_well(drawn):
    shares = frames(0, 0, 0)
    shares[1, 5] += 0.001
    heat_picture(np.zeros((32, 100, 1), np.uint8), shares, NAMES, "")
    assert drawn[0][1] == ["e", "blank"]


def test_no_frames_are_refused():
    with pytest.raises(ValueError, match="at least one frame"):
        heat_picture(np.zeros((32, 100, 1), np.uint8), np.zeros((0, len(NAMES))), NAMES, "")
