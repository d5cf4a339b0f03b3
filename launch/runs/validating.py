"""Evaluation of runs in training on their validation samples."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from launch.runs import distributed
from launch.runs.assembly import Run
from launch.runs.data import one_pass
from launch.runs.shown_outputs import shown_outputs
from recog.evaluation.evaluator import Evaluator
from recog.evaluation.tally import Evaluation
from recog.training.record import Measured
from recog.training.stack import Stack
from recog.training.state import TrainState

if TYPE_CHECKING:
    from launch.runs.evaluation_pictures import Picture


def validator(runs: Sequence[Run], *, pictures: bool) -> Callable[[TrainState], list[Measured]]:
    """Returns a function that evaluates states on the validation samples, drawn once for all runs.

    Args:
      runs: one run, or several with the same `launch.runs.settings.stack_key`.
      pictures: whether its results draw pictures; for one run only.
    """
    run, stack = runs[0], Stack(len(runs))
    evaluator = Evaluator(run.task, run.mesh, shows=shown_outputs(run.task) if pictures else ())

    def evaluate(state: TrainState) -> list[Measured]:
        models = [stack.take(state, place).averaged for place in range(stack.size)]
        with contextlib.closing(
            one_pass(run.validation, run.config.data, run.task.codec, distributed.share())
        ) as stream:
            return [
                Measured(
                    e.report(),
                    e.counts.ranks_by,
                    e.hint,
                    e.counts.ties_by,
                    functools.partial(_draw, run, e) if pictures else None,
                )
                for e in evaluator.each(models, stream)
            ]

    return evaluate


def _draw(run: Run, evaluation: Evaluation) -> "dict[str, Picture]":
    # Matplotlib and SciPy take as long to import as all that the first step needs.
    from launch.runs.evaluation_pictures import evaluation_pictures

    return evaluation_pictures(run, evaluation)
