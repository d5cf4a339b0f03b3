"""Writing of metrics as JSON lines and for TensorBoard."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from recog.training.board import Board

Draw = Callable[[], Mapping[str, UInt8[np.ndarray, "H W 3"]]]
"""Function that draws RGB pictures by name."""


class MetricWriter:
    """Writes to ``metrics.jsonl`` and ``tensorboard/`` in a work folder; a resumed run appends to both.

    Args:
      workdir: the run's folder.
      resumed_at: step at which the run resumes; lines of later steps, written before an interruption, are dropped.
    """

    def __init__(self, workdir: str | Path, resumed_at: int = 0):
        self.path = Path(workdir) / "metrics.jsonl"
        if self.path.exists():
            kept = [line for line in load_metrics(self.path) if line["step"] <= resumed_at]
            temporary = self.path.with_suffix(".tmp")  # a job killed meanwhile keeps its history
            temporary.write_text("".join(json.dumps(line) + "\n" for line in kept))
            temporary.replace(self.path)
        self._file = self.path.open("a", buffering=1)
        self._board = Board(Path(workdir) / "tensorboard", resumed_at + 1)

    def write(self, step: int, metrics: dict[str, float]) -> None:
        """Writes one line; TensorBoard groups names with a slash (``validation/accuracy``)."""
        self._file.write(json.dumps({"step": step, **metrics}) + "\n")
        self._board.write(step, metrics)

    def show(self, step: int, draw: Draw) -> None:
        """Draws pictures and writes them for TensorBoard."""
        self._board.write_pictures(step, draw())

    def close(self) -> None:
        """Flushes and closes both."""
        self._file.close()
        self._board.close()


class NoWriter(MetricWriter):
    """Writer without effect, for all processes of a run except the first."""

    def __init__(self):
        pass

    def write(self, step: int, metrics: dict[str, float]) -> None:
        """Does nothing."""

    def show(self, step: int, draw: Draw) -> None:
        """Does nothing; nothing is drawn."""

    def close(self) -> None:
        """Does nothing."""


def load_metrics(path: str | Path) -> list[dict[str, float]]:
    """Loads the lines of a ``metrics.jsonl``; a last line cut off by a killed job is left out."""
    lines = []
    for line in Path(path).read_text().splitlines():
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return lines
