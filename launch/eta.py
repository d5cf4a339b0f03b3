"""Learns the weight of the no-decimal-point branch from the validation samples, once at each evaluation.

The weight moves against its hypergradient: how the validation loss of the other branches, after one training step,
changes with it (Acta Automatica Sinica 2022). The learning rate of that step is part of ``model.eta_rate``, so that a
schedule does not fade it out.
"""

import contextlib
import itertools

import jax
import optax

from launch.build import Samples, one_pass
from launch.config import Config
from recog.batch import Batch
from recog.models.multitask import MultiTaskConfig
from recog.tasks.branches import WEIGHTS, BranchTask, moved_eta
from recog.tasks.task import Task
from recog.training.loop import Adapt
from recog.training.randomness import stream_key
from recog.training.state import TrainState

BATCHES = 16
"""Most validation batches that are looked at, each a gradient: the first ones, always the same."""


def eta_learner(config: Config, task: Task, validation: Samples, learning_rate: optax.Schedule) -> Adapt | None:
    """What moves eta, or None where it is fixed or not there."""
    if not (isinstance(task, BranchTask) and task.auxiliary and isinstance(config.model, MultiTaskConfig)):
        return None
    rate, branches = config.model.eta_rate, task
    if not rate:
        return None
    probe, hypergradient = jax.jit(branches.probe), jax.jit(branches.hypergradient)

    def adapt(state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, float]]:
        key = stream_key(config.seed, "eta", state.step)
        params, gradient = probe(state.variables, batch, key, learning_rate(state.step))
        total, samples = 0.0, 0.0
        with contextlib.closing(one_pass(validation, config, task)) as stream:
            for held_out in itertools.islice(stream, BATCHES):
                product, count = hypergradient(state.variables, params, gradient, held_out)
                total, samples = total + product, samples + count
        mean = total / samples
        weights = moved_eta(state.variables, mean, rate)
        state = state.replace(model_state=state.model_state | {WEIGHTS: weights})
        return state, {"eta": float(weights["eta"]), "eta_hypergradient": float(mean)}

    return adapt
