"""Learns the weight of the no-decimal-point branch from the validation samples, once at each evaluation.

The weight moves against its hypergradient: how the validation loss of the other branches, after one training step,
changes with it (Acta Automatica Sinica 2022). The step is a plain one on the batch last trained on, as the stream gave
it: neither augmented nor clipped, without momentum. Its learning rate is part of ``model.eta_rate``, so that a schedule
does not fade it out.

A weight that was learnt has seen the validation labels: report accuracy on samples of a third set.
"""

import contextlib
import itertools
import math

import jax
import optax

from launch.runs import distributed
from launch.runs.assembly import Run
from launch.runs.data import one_pass
from recog.batch import Batch
from recog.mesh import put_batch, traced_on
from recog.tasks.branches import WEIGHTS, BranchTask, moved_eta
from recog.training.randomness import stream_key
from recog.training.record import Adapt
from recog.training.state import TrainState

BATCHES = 16
"""Most validation batches that are looked at, each a gradient: the first ones, always the same."""


def eta_learner(run: Run, learning_rate: optax.Schedule) -> Adapt | None:
    """Moves eta at each evaluation, on the devices that train; None where it is fixed."""
    task, mesh = run.task, run.mesh
    if not (isinstance(task, BranchTask) and task.learns_from_validation):
        return None
    rate, branches = task.model.config.eta_rate, task
    probe, hypergradient = (jax.jit(traced_on(mesh, f)) for f in (branches.probe, branches.hypergradient))

    def adapt(state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, float]]:
        eta = float(state.model_state[WEIGHTS]["eta"])
        if not batch.mask.any():  # there was no step to look through
            return state, {"eta": eta}
        key = stream_key(run.config.seed, "eta", state.step)
        params, gradient = probe(state.variables, batch, key, learning_rate(state.step))
        total, samples = 0.0, 0.0
        held_out_batches = one_pass(run.validation, run.config.data, task.codec, distributed.share())
        with contextlib.closing(held_out_batches) as stream:
            for held_out in itertools.islice(stream, BATCHES):
                product, count = hypergradient(state.variables, params, gradient, put_batch(mesh, held_out))
                total, samples = total + product, samples + count
        mean = float(total) / max(float(samples), 1.0)
        if not math.isfinite(mean):  # one bad step to look through must not end up in every later one
            return state, {"eta": eta, "eta_hypergradient": mean}
        weights = moved_eta(state.variables, mean, rate)
        state = state.replace(model_state=state.model_state | {WEIGHTS: weights})
        return state, {"eta": float(weights["eta"]), "eta_hypergradient": mean}

    return adapt
