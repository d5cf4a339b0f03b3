"""Accumulation of predictions and counts over labelled batches."""

import types
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from recog.decoded import Decoded
from recog.evaluation.predictions import Prediction, Predictions
from recog.metrics import Counts, RunningTotal
from recog.tasks.judge import Judge

LOGITS = ("logits", "logit_lengths")
"""Outputs from which a reader's texts are decoded."""
EXAMINED = 10_000
"""Maximum number of samples to look at for the cause if no prediction is right."""


class Evaluation(NamedTuple):
    """Predictions and counts for a set of samples."""

    predictions: Sequence[Prediction]
    """Predictions in the order of the source."""
    counts: Counts
    """Counts over all samples."""
    seconds: float
    """Time in seconds to draw and predict the batches, without compilation."""
    hint: str | None
    """Likely cause if no prediction is right."""
    kept: Mapping[str, np.ndarray] = types.MappingProxyType({})
    """Outputs that the evaluator was asked to keep, by name, with a row for each prediction."""
    shown: Mapping[str, np.ndarray] = types.MappingProxyType({})
    """Outputs that the evaluator was asked to show, by name, with a row for each sample of the first batch, and the
    samples' ``ids``."""

    def report(self) -> dict[str, float]:
        """Rates of the counts, and ``images_per_second``."""
        return {**self.counts.report(), "images_per_second": len(self.predictions) / max(self.seconds, 1e-9)}


class Output(NamedTuple):
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


class Tally:
    """Accumulated predictions and counts of one model."""

    def __init__(self, judge: Judge, decode: Decode | None, keeps: Sequence[str]):
        self._judge, self._decode, self._counts = judge, decode, RunningTotal()
        self._kept: dict[str, list[np.ndarray]] = {name: [] for name in keeps}
        self._predictions = Predictions()
        self._shown: dict[str, np.ndarray] = {}

    def add(self, output: Output) -> None:
        """Adds a batch; rows without a sample are left out."""
        if self._decode:
            output = self._decoded(self._decode, output)
        rows = jax.tree.map(lambda x: np.asarray(x)[output.mask], output)
        labels, ids = self._judge.codec.show(rows.targets), rows.ids.tolist()
        readings = self._judge.rows(rows.prediction)
        for index, label, reading in zip(ids, labels, readings, strict=True):
            self._predictions.add(Prediction(index, label, *reading))
        self._counts.add(self._judge.count(rows.prediction, rows.targets))
        for name, arrays in self._kept.items():
            arrays.append(rows.prediction[name])

    def show(self, outputs: Mapping[str, np.ndarray], ids: np.ndarray, mask: np.ndarray) -> None:
        """Keeps outputs of a batch to be shown."""
        self._shown = {name: array[mask] for name, array in {**outputs, "ids": ids}.items()}

    def _decoded(self, decode: Decode, output: Output) -> Output:
        """Decodes all rows, so that all batches have one shape; rows without a sample have no frames."""
        logits, lengths = (output.prediction[name] for name in LOGITS)
        labels = self._judge.codec.show(output.targets)
        decoded = decode(logits, np.where(output.mask, lengths, 0), output.ids.tolist(), labels)
        return output._replace(prediction={**decoded._asdict()})

    def evaluation(self, seconds: float) -> Evaluation:
        """Evaluation over all batches added."""
        if (counts := self._counts.total) is None:
            raise ValueError("there is no batch to evaluate: check the samples")
        predictions = self._predictions
        kept = {name: np.concatenate(arrays)[predictions.order] for name, arrays in self._kept.items()}
        return Evaluation(predictions, counts, seconds, self._hint(), kept, self._shown)

    def _hint(self) -> str | None:
        """Likely cause if no prediction is right, from the first samples."""
        if any(prediction.label == prediction.text for prediction in self._predictions):
            return None
        first = self._predictions[:EXAMINED]
        return self._judge.hint([p.label for p in first], [p.text for p in first])
