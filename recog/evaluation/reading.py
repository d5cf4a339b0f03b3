"""Reads labelled batches and counts what is right."""

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from recog.batch import Batch
from recog.decoded import texts
from recog.metrics import ReadingCounts
from recog.tasks.task import Task, Variables


class Prediction(NamedTuple):
    """One sample of an evaluation."""

    id: int
    """Index in the source."""
    label: str
    text: str
    confidence: float


class Evaluation(NamedTuple):
    """What a model reads of a set of samples."""

    predictions: list[Prediction]
    """In the order of the source."""
    counts: ReadingCounts
    seconds: float
    """Time for drawing and reading the batches, compilation left out."""

    def report(self) -> dict[str, float]:
        """``count accuracy one_minus_ned cer length_consistency images_per_second``."""
        return {**self.counts.report(), "images_per_second": len(self.predictions) / max(self.seconds, 1e-9)}


class Evaluator:
    """Reads batches with one compiled program for each width; keep it to evaluate again without compiling."""

    def __init__(self, task: Task):
        self.task = task
        self._read = jax.jit(task.read)
        self._compiled: dict[tuple[int, ...], Any] = {}

    def __call__(self, variables: Variables, batches: Iterable[Batch]) -> Evaluation:
        """Batches as NumPy arrays or on the device; rows without a sample are left out."""
        predictions = []
        start = time.perf_counter()
        for batch in batches:
            compiling = self._compile(variables, batch)
            read = jax.device_get(self._compiled[batch.images.shape](variables, batch.images, batch.widths))
            predictions += self._collect(batch, read)
            start += compiling
        seconds = time.perf_counter() - start
        predictions.sort(key=lambda prediction: prediction.id)
        tokens = self.task.alphabet.split
        counts = ReadingCounts.of([tokens(p.label) for p in predictions], [tokens(p.text) for p in predictions])
        return Evaluation(predictions, counts, seconds)

    def _compile(self, variables: Variables, batch: Batch) -> float:
        """Makes sure that a program for this shape exists; the seconds that took."""
        if batch.images.shape in self._compiled:
            return 0.0
        start = time.perf_counter()
        lowered = self._read.lower(variables, batch.images, batch.widths)
        self._compiled[batch.images.shape] = lowered.compile()
        return time.perf_counter() - start

    def _collect(self, batch: Batch, read) -> list[Prediction]:
        labels, lengths = map(np.asarray, self.task.targets(batch.labels, batch.label_lengths))
        readings = texts(self.task.alphabet, read)
        return [
            Prediction(
                int(batch.ids[row]), self.task.alphabet.decode(labels[row, : lengths[row]].tolist()), *readings[row]
            )
            for row in np.flatnonzero(batch.mask)
        ]


def write_evaluation(
    evaluation: Evaluation, folder: str | Path, describe: Callable[[int], str], *, skipped: int = 0
) -> dict[str, float]:
    """Writes ``report.json`` and ``predictions.tsv``, and returns the report.

    Args:
      evaluation: what was read.
      folder: where to write; made when it does not exist.
      describe: names a sample by its index.
      skipped: samples that could not be used; reported when there are any, because ``count`` leaves them out.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    report = evaluation.report() | ({"skipped": skipped} if skipped else {})
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    with (folder / "predictions.tsv").open("w", encoding="utf-8") as file:
        file.write("sample\tlabel\tprediction\tconfidence\n")
        for p in evaluation.predictions:
            file.write(f"{describe(p.id)}\t{p.label}\t{p.text}\t{p.confidence:.4f}\n")
    return report
