"""Reads labelled batches and counts what is right."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from recog.batch import Batch
from recog.decoded import Decoded, texts
from recog.mesh import put_batch, replicated
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


class _Read(NamedTuple):
    """What comes back from the devices of one batch: all but its pictures."""

    decoded: Decoded
    labels: jax.Array
    """Tokens of a perfect reading, padded."""
    lengths: jax.Array
    ids: jax.Array
    mask: jax.Array


class Evaluator:
    """Reads batches with one compiled program for each width; keep it to evaluate again without compiling.

    The devices of all processes share each batch, and every process gets the predictions of all: so each comes to the
    same evaluation, as long as all of them draw the same number of batches.

    Args:
      task: whose model reads.
      mesh: the devices; a batch's rows must be a multiple of them.
    """

    def __init__(self, task: Task, mesh: Mesh):
        self.task, self._mesh = task, mesh
        self._read = jax.jit(self._read_batch, out_shardings=replicated(mesh))
        self._compiled: dict[tuple[int, ...], Any] = {}

    def __call__(self, variables: Variables, batches: Iterable[Batch]) -> Evaluation:
        """Batches as NumPy arrays, of each this process's part; rows without a sample are left out."""
        (evaluation,) = self.each([variables], batches)
        return evaluation

    def each(self, models: Sequence[Variables], batches: Iterable[Batch]) -> list[Evaluation]:
        """What each of several models of this task reads of the same batches, which are drawn once."""
        predictions: list[list[Prediction]] = [[] for _ in models]
        start = time.perf_counter()
        for part in batches:
            batch = put_batch(self._mesh, part)
            start += self._compile(models[0], batch)
            for variables, found in zip(models, predictions, strict=True):
                found += self._collect(jax.device_get(self._compiled[batch.images.shape](variables, batch)))
        seconds = (time.perf_counter() - start) / len(models)
        return [self._evaluation(found, seconds) for found in predictions]

    def _evaluation(self, predictions: list[Prediction], seconds: float) -> Evaluation:
        predictions.sort(key=lambda prediction: prediction.id)
        tokens = self.task.alphabet.split
        counts = ReadingCounts.of([tokens(p.label) for p in predictions], [tokens(p.text) for p in predictions])
        return Evaluation(predictions, counts, seconds)

    def _compile(self, variables: Variables, batch: Batch) -> float:
        """Makes sure that a program for this shape exists; the seconds that took."""
        if batch.images.shape in self._compiled:
            return 0.0
        start = time.perf_counter()
        self._compiled[batch.images.shape] = self._read.lower(variables, batch).compile()
        return time.perf_counter() - start

    def _read_batch(self, variables: Variables, batch: Batch) -> _Read:
        decoded = self.task.read(variables, batch.images, batch.widths)
        return _Read(decoded, *self.task.targets(batch.labels, batch.label_lengths), batch.ids, batch.mask)

    def _collect(self, read: _Read) -> list[Prediction]:
        alphabet, readings = self.task.alphabet, texts(self.task.alphabet, read.decoded)
        return [
            Prediction(
                int(read.ids[row]), alphabet.decode(read.labels[row, : read.lengths[row]].tolist()), *readings[row]
            )
            for row in np.flatnonzero(read.mask)
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
