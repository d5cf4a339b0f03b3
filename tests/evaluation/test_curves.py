"""Curves are drawn from whatever a run has logged so far."""

import cv2
import pytest
from matplotlib.figure import Figure

from recog.evaluation import curves
from recog.evaluation.curves import LOSSES, write_curves
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


def test_losses_have_colours_of_their_own(tmp_path):
    names = ["train/a_loss", "train/b_loss", "train/c_loss", "validation/log_loss"]
    lines = [{"step": step} | {name: 10.0**number for number, name in enumerate(names)} for step in range(1, 10)]
    write_curves(tmp_path / "curves.png", lines, ReadingCounts)
    pixels = cv2.imread(str(tmp_path / "curves.png"), cv2.IMREAD_COLOR_RGB)
    assert pixels is not None
    for colour in (*LOSSES[:3], curves.VALIDATION):
        assert (pixels == [*bytes.fromhex(colour[1:])]).all(axis=2).sum() > 100
    assert (pixels == [*bytes.fromhex(LOSSES[3][1:])]).all(axis=2).sum() == 0


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
