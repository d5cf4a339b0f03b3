"""Curves are drawn from whatever a run has logged so far."""

import cv2
import pytest
from matplotlib.figure import Figure

from recog.evaluation.curves import write_curves
from recog.metrics import BoxCounts, ReadingCounts

TRAIN = [{"step": step, "train/ctc_loss": 10 / step, "train/accuracy": step / 10} for step in range(1, 10)]
VALIDATION = [{"step": 5, "validation/accuracy": 0.4}]


@pytest.mark.parametrize("metrics", [TRAIN + VALIDATION, TRAIN, VALIDATION, TRAIN[:1]])
def test_a_picture_comes_out(tmp_path, metrics):
    write_curves(tmp_path / "curves.png", metrics, ReadingCounts)
    image = cv2.imread(str(tmp_path / "curves.png"))
    assert image is not None
    assert image.shape[1] > image.shape[0] > 300
    assert image.min() < 100 < image.max()


def test_a_kill_while_they_are_drawn_leaves_the_curves_before(tmp_path, monkeypatch):
    write_curves(tmp_path / "curves.png", TRAIN, ReadingCounts)
    before = (tmp_path / "curves.png").read_bytes()

    def killed(self, path, **settings):
        path.write_bytes(b"half a picture")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", killed)
        with pytest.raises(KeyboardInterrupt):
            write_curves(tmp_path / "curves.png", TRAIN + VALIDATION, ReadingCounts)
    assert (tmp_path / "curves.png").read_bytes() == before
    write_curves(tmp_path / "curves.png", TRAIN + VALIDATION, ReadingCounts)
    assert (tmp_path / "curves.png").read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_nothing_logged_is_said(tmp_path):
    with pytest.raises(ValueError, match="no metrics"):
        write_curves(tmp_path / "curves.png", [], ReadingCounts)


def test_the_rate_of_the_kind_is_drawn(tmp_path):
    def orange(name, *lines):
        write_curves(tmp_path / name, [*losses, *lines], BoxCounts)
        return (cv2.imread(str(tmp_path / name)) == (0x20, 0x6B, 0xDD)).all(axis=2).sum()  # colour of validation

    losses = [{"step": step, "train/box_loss": 10 / step} for step in range(1, 10)]
    assert orange("of_a_reader.png", *VALIDATION) == 0
    assert orange("found.png", {"step": 5, "validation/ap": 0.4, "validation/ap_50": 0.9}) > 10
