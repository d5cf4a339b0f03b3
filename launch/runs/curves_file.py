"""Curves of a run in its folder."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from launch.runs.config import Config
from launch.runs.tasks import counts_of
from recog.metrics import Counts
from recog.training.writers import load_metrics


class CurvesFile:
    """``curves.png`` in a work folder, drawn from its ``metrics.jsonl`` in a thread while training goes on.

    Matplotlib takes as long as many steps of a fast device. It is not made for several threads: only one file may be
    drawn at a time.

    Args:
      workdir: the run's folder.
      config: configuration of the run.
    """

    def __init__(self, workdir: Path, config: Config):
        self._metrics, self._path, self._counts = workdir / "metrics.jsonl", workdir / "curves.png", counts_of(config)
        self._drawn = 0
        self._thread = ThreadPoolExecutor(1, "curves")
        self._drawing: Future[None] | None = None

    def draw(self) -> None:
        """Begins to draw the curves if the run has logged anything since; raises what the last drawing has raised."""
        self.wait()
        size = self._metrics.stat().st_size
        if size != self._drawn:
            self._drawing = self._thread.submit(_write, self._path, load_metrics(self._metrics), self._counts)
            self._drawn = size

    def wait(self) -> None:
        """Waits until the curves are drawn; raises what the drawing has raised."""
        drawing, self._drawing = self._drawing, None
        if drawing and (error := drawing.exception()):
            self._drawn = 0
            raise error


def _write(path: Path, metrics: Sequence[dict[str, float]], counts: type[Counts]) -> None:
    from recog.evaluation.curves import write_curves  # Matplotlib takes as long to import as JAX

    write_curves(path, metrics, counts)
