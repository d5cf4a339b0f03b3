"""Learning of the loss weight eta from the validation samples, once at each evaluation.

Eta moves against its hypergradient: the derivative by eta of the validation loss of the other branches after one
training step (Acta Automatica Sinica 2022). This is a plain gradient step on the last training batch, without
augmentation, clipping and momentum. The factor of the learning rate in the derivative is left out, as a part of
``model.eta_rate``, so that learning does not fade with the schedule.

A learnt eta depends on the validation labels, so accuracy must be reported on a third set.
"""

import contextlib
import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from launch.runs import distributed
from launch.runs.assembly import Run
from launch.runs.data import one_pass
from recog.batch import Batch
from recog.mesh import put_batch, traced_on
from recog.tasks.branches import WEIGHTS, BranchTask, moved_eta
from recog.tasks.task import Variables
from recog.training.freeze import Freeze, merged
from recog.training.randomness import stream_key
from recog.training.record import Adapt
from recog.training.state import TrainState

BATCHES = 16
"""Maximum number of validation batches, each of which costs a gradient; the first ones are used."""


def eta_learner(run: Run, learning_rate: optax.Schedule) -> Adapt | None:
    """Returns a function that updates eta on the training devices; None if eta is fixed."""
    task, mesh = run.task, run.mesh
    if not (isinstance(task, BranchTask) and task.learns_from_validation):
        return None
    rate, branches = task.model.config.eta_rate, task
    freeze = Freeze(run.config.optimizer.freeze)

    def step(variables: Variables, batch: Batch, key: jax.Array, rate: jax.Array) -> tuple[Any, Any]:
        with freeze.holding(variables):
            params, gradient = branches.probe(variables, batch, key, rate)
        zeros = jax.tree.map(jnp.zeros_like, gradient)
        return merged(variables["params"], freeze.trained(params)), merged(zeros, freeze.trained(gradient))

    probe, hypergradient = (jax.jit(traced_on(mesh, f)) for f in (step, branches.hypergradient))

    def adapt(state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, float]]:
        eta = float(state.model_state[WEIGHTS]["eta"])
        if not batch.mask.any():  # no sample, so no training step
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
        if not math.isfinite(mean):  # one bad step must not affect all later ones
            return state, {"eta": eta, "eta_hypergradient": mean}
        weights = moved_eta(state.variables, mean, rate)
        state = state.replace(model_state=state.model_state | {WEIGHTS: weights})
        return state, {"eta": float(weights["eta"]), "eta_hypergradient": mean}

    return adapt
