"""Evaluation of a task's predictions for labelled batches."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import jax
from jax.sharding import Mesh

from recog.batch import Batch
from recog.evaluation.tally import LOGITS, Decode, Evaluation, Output, Tally
from recog.mesh import put_batch, replicated
from recog.tasks.task import Task, Variables


class Evaluator:
    """Predicts batches with one compiled program per width; reuse it to evaluate again without compiling.

    The devices of all processes share each batch, and every process gets all predictions and so the same evaluation;
    all processes must draw the same number of batches.

    Args:
      task: task with the model that predicts.
      mesh: device mesh; the number of rows of a batch must be a multiple of its size.
      decode: decodes the logits of a reader on the host, in place of the task.
      keeps: names of further outputs, without a decoder, that evaluations keep for every sample.
      shows: names of outputs that evaluations keep for the samples of the first batch.
    """

    def __init__(
        self,
        task: Task,
        mesh: Mesh,
        decode: Decode | None = None,
        keeps: Sequence[str] = (),
        shows: Sequence[str] = (),
    ):
        self.task, self._mesh, self._decode = task, mesh, decode
        self._keeps, self._shows = tuple(keeps), tuple(shows)
        self._predict = jax.jit(self._predict_batch, out_shardings=replicated(mesh))
        self._compiled: dict[tuple[int, ...], Any] = {}

    def __call__(self, variables: Variables, batches: Iterable[Batch]) -> Evaluation:
        """Evaluates one or more batches, given as NumPy arrays of this process's part of each."""
        (evaluation,) = self.each([variables], batches)
        return evaluation

    def each(self, models: Sequence[Variables], batches: Iterable[Batch]) -> list[Evaluation]:
        """Evaluates several models of this task on the same batches, which are drawn once."""
        tallies = [Tally(self.task, self._decode, self._keeps) for _ in models]
        start = time.perf_counter()
        for number, part in enumerate(batches):
            batch = put_batch(self._mesh, part)
            start += self._compile(models[0], batch)
            for variables, tally in zip(models, tallies, strict=True):
                output, shown = self._compiled[batch.images.shape](variables, batch)
                output = jax.device_get(output)
                tally.add(output)
                if shown and not number:
                    tally.show(jax.device_get(shown), output.ids, output.mask)
        seconds = (time.perf_counter() - start) / len(models)
        return [tally.evaluation(seconds) for tally in tallies]

    def _compile(self, variables: Variables, batch: Batch) -> float:
        """Compiles the program for this batch shape if it is new; returns the seconds taken."""
        if batch.images.shape in self._compiled:
            return 0.0
        start = time.perf_counter()
        self._compiled[batch.images.shape] = self._predict.lower(variables, batch).compile()
        return time.perf_counter() - start

    def _predict_batch(self, variables: Variables, batch: Batch) -> tuple[Output, dict[str, Any]]:
        prediction = self.task.predict(variables, batch.images, batch.sizes)
        further = LOGITS if self._decode else ()  # otherwise logits stay on the devices
        names = (*self.task.codec.compared, *self._keeps, *further)
        shown = {name: prediction[name] for name in self._shows}  # on the devices, but for those of the first batch
        prediction = {name: prediction[name] for name in names}
        return Output(prediction, self.task.expected(batch.targets), batch.ids, batch.mask), shown
