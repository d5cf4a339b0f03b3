"""Curves are drawn when there is something new to see."""

import threading

import pytest

from launch.runs import curves_file
from launch.runs.config import Config
from launch.runs.curves_file import CurvesFile
from recog.training.writers import MetricWriter


def test_curves_are_drawn_only_after_new_metrics(tmp_path):
    writer, curves, path = MetricWriter(tmp_path), CurvesFile(tmp_path, Config()), tmp_path / "curves.png"
    curves.draw()
    curves.wait()
    assert not path.exists(), "nothing is logged yet"
    for step in (1, 2):
        writer.write(step, {"train/ctc_loss": 1.0, "train/accuracy": 0.5})
        curves.draw()
        curves.wait()
        assert path.read_bytes().startswith(b"\x89PNG")
        path.unlink()
        curves.draw()
        curves.wait()
        assert not path.exists()
    writer.close()
    resumed = CurvesFile(tmp_path, Config())
    resumed.draw()
    resumed.wait()
    assert path.exists(), "a resumed run draws what it finds"


def test_training_does_not_wait_for_a_drawing_but_the_next_drawing_does(tmp_path, monkeypatch):
    go, drawn = threading.Event(), []

    def write(path, metrics, counts):
        assert go.wait(60)
        drawn.append(metrics[-1]["step"])

    monkeypatch.setattr(curves_file, "_write", write)
    writer, curves = MetricWriter(tmp_path), CurvesFile(tmp_path, Config())
    writer.write(1, {"train/ctc_loss": 1.0})
    curves.draw()
    assert drawn == []
    go.set()
    writer.write(2, {"train/ctc_loss": 1.0})
    curves.draw()
    assert drawn[:1] == [1]
    curves.wait()
    assert drawn == [1, 2]
    writer.close()


def test_a_drawing_that_failed_is_told_once_and_drawn_again(tmp_path):
    writer, curves, path = MetricWriter(tmp_path), CurvesFile(tmp_path, Config()), tmp_path / "curves.png"
    path.mkdir()
    writer.write(1, {"train/ctc_loss": 1.0})
    curves.draw()
    with pytest.raises(OSError, match="curves"):
        curves.draw()
    path.rmdir()
    curves.draw()
    curves.wait()
    assert path.is_file()
    writer.close()
