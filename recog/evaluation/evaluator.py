"""Evaluation of a task's predictions for labelled batches."""

import json
import time
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from jax.sharding import Mesh

from recog.batch import Batch
from recog.decoded import Decoded
from recog.mesh import put_batch, replicated
from recog.metrics import Counts
from recog.tasks.task import Task, Variables

LOGITS = ("logits", "logit_lengths")
"""Outputs from which a reader's texts are decoded."""


class Prediction(NamedTuple):
    """Prediction for one sample, as text."""

    id: int
    """Index of the sample in its source."""
    label: str
    """True label."""
    text: str
    """Predicted label."""
    confidence: float
    """Probability that the prediction is right, 0 to 1."""


class Evaluation(NamedTuple):
    """Predictions and counts for a set of samples."""

    predictions: list[Prediction]
    """Predictions in the order of the source."""
    counts: Counts
    """Counts over all samples."""
    seconds: float
    """Time in seconds to draw and predict the batches, without compilation."""
    hint: str | None
    """Likely cause if no prediction is right."""
    kept: Mapping[str, np.ndarray] = types.MappingProxyType({})
    """Outputs that the evaluator was asked to keep, by name, with a row for each prediction."""

    def report(self) -> dict[str, float]:
        """Rates of the counts, and ``images_per_second``."""
        return {**self.counts.report(), "images_per_second": len(self.predictions) / max(self.seconds, 1e-9)}


class _Output(NamedTuple):
    """Outputs of a batch that are transferred from the devices."""

    prediction: dict[str, Any]
    targets: Any
    ids: Any
    mask: Any


class Decode(Protocol):
    """Decodes the logits of a reader on the host."""

    def __call__(self, logits: np.ndarray, lengths: np.ndarray, ids: Sequence[int], labels: Sequence[str]) -> Decoded:
        """Decodes a batch.

        Args:
          logits: scores, B T K.
          lengths: frames of each sample.
          ids: index of each sample in its source; -1 in rows without a sample, which have no frames.
          labels: true label of each sample, which lexicons of benchmarks are made from.
        """
        ...


class _Tally:
    """Accumulated predictions and counts of one model."""

    def __init__(self, task: Task, decode: Decode | None, keeps: Sequence[str]):
        self._task, self._decode, self._counts = task, decode, []
        self._kept: dict[str, list[np.ndarray]] = {name: [] for name in keeps}
        self._predictions: list[Prediction] = []

    def add(self, output: _Output) -> None:
        """Adds a batch; rows without a sample are left out."""
        if self._decode:
            output = self._decoded(self._decode, output)
        rows = jax.tree.map(lambda x: np.asarray(x)[output.mask], output)
        labels, ids = self._task.codec.show(rows.targets), rows.ids.tolist()
        readings = self._task.rows(rows.prediction)
        self._predictions += [
            Prediction(index, label, *reading) for index, label, reading in zip(ids, labels, readings, strict=True)
        ]
        self._counts.append(self._task.count(rows.prediction, rows.targets))
        for name, arrays in self._kept.items():
            arrays.append(rows.prediction[name])

    def _decoded(self, decode: Decode, output: _Output) -> _Output:
        """Decodes all rows, so that all batches have one shape; rows without a sample have no frames."""
        logits, lengths = (output.prediction[name] for name in LOGITS)
        labels = self._task.codec.show(output.targets)
        decoded = decode(logits, np.where(output.mask, lengths, 0), output.ids.tolist(), labels)
        return output._replace(prediction={**decoded._asdict()})

    def evaluation(self, seconds: float) -> Evaluation:
        """Evaluation over all batches added."""
        if not self._counts:
            raise ValueError("there is no batch to evaluate: check the samples")
        order = np.argsort([prediction.id for prediction in self._predictions], kind="stable")
        predictions = [self._predictions[place] for place in order]
        kept = {name: np.concatenate(arrays)[order] for name, arrays in self._kept.items()}
        hint = self._task.hint([p.label for p in predictions], [p.text for p in predictions])
        return Evaluation(predictions, reduce(add, self._counts), seconds, hint, kept)


class Evaluator:
    """Predicts batches with one compiled program per width; reuse it to evaluate again without compiling.

    The devices of all processes share each batch, and every process gets all predictions and so the same evaluation;
    all processes must draw the same number of batches.

    Args:
      task: task with the model that predicts.
      mesh: device mesh; the number of rows of a batch must be a multiple of its size.
      decode: decodes the logits of a reader on the host, in place of the task.
      keeps: names of further outputs, without a decoder, that evaluations keep for every sample.
    """

    def __init__(self, task: Task, mesh: Mesh, decode: Decode | None = None, keeps: Sequence[str] = ()):
        self.task, self._mesh, self._decode, self._keeps = task, mesh, decode, tuple(keeps)
        self._predict = jax.jit(self._predict_batch, out_shardings=replicated(mesh))
        self._compiled: dict[tuple[int, ...], Any] = {}

    def __call__(self, variables: Variables, batches: Iterable[Batch]) -> Evaluation:
        """Evaluates one or more batches, given as NumPy arrays of this process's part of each."""
        (evaluation,) = self.each([variables], batches)
        return evaluation

    def each(self, models: Sequence[Variables], batches: Iterable[Batch]) -> list[Evaluation]:
        """Evaluates several models of this task on the same batches, which are drawn once."""
        tallies = [_Tally(self.task, self._decode, self._keeps) for _ in models]
        start = time.perf_counter()
        for part in batches:
            batch = put_batch(self._mesh, part)
            start += self._compile(models[0], batch)
            for variables, tally in zip(models, tallies, strict=True):
                tally.add(jax.device_get(self._compiled[batch.images.shape](variables, batch)))
        seconds = (time.perf_counter() - start) / len(models)
        return [tally.evaluation(seconds) for tally in tallies]

    def _compile(self, variables: Variables, batch: Batch) -> float:
        """Compiles the program for this batch shape if it is new; returns the seconds taken."""
        if batch.images.shape in self._compiled:
            return 0.0
        start = time.perf_counter()
        self._compiled[batch.images.shape] = self._predict.lower(variables, batch).compile()
        return time.perf_counter() - start

    def _predict_batch(self, variables: Variables, batch: Batch) -> _Output:
        prediction = self.task.predict(variables, batch.images, batch.sizes)
        further = LOGITS if self._decode else ()  # otherwise logits stay on the devices
        names = (*self.task.codec.compared, *self._keeps, *further)
        prediction = {name: prediction[name] for name in names}
        return _Output(prediction, self.task.expected(batch.targets), batch.ids, batch.mask)


def write_evaluation(
    evaluation: Evaluation,
    folder: str | Path,
    describe: Callable[[int], str],
    further: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Writes ``report.json`` and ``predictions.tsv``; returns the report.

    Args:
      evaluation: predictions and counts.
      folder: folder to write to, created if missing.
      describe: returns the origin of a sample by its index.
      further: entries of the report that are not rates of the counts.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    report = {**evaluation.report(), **(further or {})}
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    with (folder / "predictions.tsv").open("w", encoding="utf-8") as file:
        file.write("sample\tlabel\tprediction\tconfidence\n")
        for p in evaluation.predictions:
            file.write(f"{describe(p.id)}\t{p.label}\t{p.text}\t{p.confidence:.4f}\n")
    return report
