"""Curves of a run in its folder."""

from pathlib import Path

from launch.runs.config import Config
from launch.runs.tasks import counts_of
from recog.evaluation.curves import write_curves
from recog.training.writers import load_metrics


class CurvesFile:
    """``curves.png`` in a work folder, drawn from its ``metrics.jsonl``.

    Args:
      workdir: the run's folder.
      config: configuration of the run.
    """

    def __init__(self, workdir: Path, config: Config):
        self._metrics, self._path, self._counts = workdir / "metrics.jsonl", workdir / "curves.png", counts_of(config)
        self._drawn = 0

    def draw(self) -> None:
        """Draws the curves if the run has logged anything since they were last drawn."""
        size = self._metrics.stat().st_size
        if size != self._drawn:
            write_curves(self._path, load_metrics(self._metrics), self._counts)
            self._drawn = size
