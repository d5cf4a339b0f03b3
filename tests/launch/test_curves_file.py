"""Curves are drawn when there is something new to see."""

from launch.runs.config import Config
from launch.runs.curves_file import CurvesFile
from recog.training.writers import MetricWriter


def test_curves_are_drawn_only_after_new_metrics(tmp_path):
    writer, curves, path = MetricWriter(tmp_path), CurvesFile(tmp_path, Config()), tmp_path / "curves.png"
    curves.draw()
    assert not path.exists(), "nothing is logged yet"
    for step in (1, 2):
        writer.write(step, {"train/ctc_loss": 1.0, "train/accuracy": 0.5})
        curves.draw()
        assert path.read_bytes().startswith(b"\x89PNG")
        path.unlink()
        curves.draw()
        assert not path.exists()
    writer.close()
    CurvesFile(tmp_path, Config()).draw()
    assert path.exists(), "a resumed run draws what it finds"
