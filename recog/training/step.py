"""Training step: augments a batch, applies the task's losses, and sums metrics on the device."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Int

from recog.batch import Batch
from recog.mesh import replicated, traced_on
from recog.tasks.task import Loss, LossOutput, Task
from recog.training.augment import AugmentConfig, augment
from recog.training.freeze import NONE_FROZEN, Freeze, merged
from recog.training.optimizers import Pausable, pausable
from recog.training.randomness import stream_key
from recog.training.stack import ONE, Stack
from recog.training.state import TrainState


class Totals(NamedTuple):
    """Sums over the steps since the last log line, on the device."""

    sums: dict[str, Float[Array, ""]]
    """Metric sums over ``samples`` samples; ``skipped`` counts rows without a sample."""
    trouble_step: Int[Array, ""]
    """First step with a loss or gradient that is not finite, counted from 0; -1 if there is none."""
    trouble_ids: Int[Array, " B"]
    """Ids of the samples with a loss that was not finite in that step; -1 elsewhere."""


class Report(NamedTuple):
    """Measurements of a single step."""

    sums: dict[str, Float[Array, ""]]
    """Metric sums, as in `Totals`."""
    bad: Bool[Array, ""]
    """Whether a loss or a gradient is not finite."""
    bad_ids: Int[Array, " B"]
    """Ids of the samples with a loss that is not finite; -1 elsewhere."""


Settings = Mapping[str, Any]
"""Settings of a run that enter its compiled step as scalar arrays, by their paths in the configuration."""
Advance = Callable[[TrainState, Batch], tuple[TrainState, Report]]
"""A step of one run, to be jitted."""
AdvanceOf = Callable[[Settings], Advance]
"""Function from a run's settings to its step."""
TrainStep = Callable[[Settings, TrainState, Totals, Batch], tuple[TrainState, Totals]]
"""A compiled step of all runs, which adds to their totals."""


def make_advance(
    task: Task,
    optimizer: optax.GradientTransformation,
    augmentation: AugmentConfig,
    seed: int | Int[Array, ""],
    parts: int = 1,
    freeze: Freeze = NONE_FROZEN,
    average: float = 0.0,
) -> Advance:
    """Training step as a pure function: augmentation, then one optimizer update for each of the task's losses.

    Args:
      task: task with the losses to apply.
      optimizer: optimizer of all updates.
      augmentation: settings of the augmentation.
      seed: seed of augmentation and dropout.
      parts: number of equal parts of the batch whose gradients are computed in turn; updates use the mean over the
        whole batch. Batch statistics are computed over each part.
      freeze: selection of the parameters that have no gradient and stay as they are.
      average: decay of the average of the other parameters, which moves once a step; 0 if the state keeps none.
    """
    optimizer = pausable(optimizer)

    def advance(state: TrainState, batch: Batch) -> tuple[TrainState, Report]:
        batch = augment(augmentation, stream_key(seed, "augment", state.step), batch, task.codec)
        sums = {
            "samples": jnp.sum(batch.mask, dtype=jnp.float32),
            "skipped": jnp.sum(~batch.mask, dtype=jnp.float32),
        }
        bad, bad_rows = jnp.zeros((), bool), jnp.zeros_like(batch.mask)
        for index, loss in enumerate(task.losses):
            key = stream_key(seed, loss.name, state.step)
            find = Gradients(loss, freeze)
            found = find(state, batch, key) if parts == 1 else _accumulate(find, state, batch, key, parts)
            state, new_sums, wrong, wrong_rows = _update(find, index, optimizer, state, batch, found)
            sums |= new_sums
            bad, bad_rows = bad | wrong, bad_rows | wrong_rows
        some = jnp.any(batch.mask)
        if average:
            state = state.replace(average=_averaged(average, freeze, state, some))
        sums = {name: jnp.where(some | (name == "skipped"), value, 0.0) for name, value in sums.items()}
        report = Report(sums, bad & some, jnp.where(bad_rows, batch.ids, -1))
        return state.replace(step=state.step + 1), report

    return advance


def add_report(totals: Totals, report: Report, step: Int[Array, ""]) -> Totals:
    """Adds the report of a step to totals; ``step`` is counted from 0."""
    first = report.bad & (totals.trouble_step < 0)
    return Totals(
        sums={name: totals.sums[name] + value for name, value in report.sums.items()},
        trouble_step=jnp.where(first, step, totals.trouble_step),
        trouble_ids=jnp.where(first, report.bad_ids, totals.trouble_ids),
    )


def jit_train_step(advance_of: AdvanceOf, mesh: Mesh, sharding: Any, runs: Stack = ONE) -> TrainStep:
    """Compiles ``(settings, state, totals, batch) -> (state, totals)`` for a mesh, with state and totals donated.

    Settings are arguments of the program, so that runs which differ only in settings share it.

    Args:
      advance_of: function from a run's settings to its step.
      mesh: devices that share each batch.
      sharding: tree of shardings of the state's arrays.
      runs: layout of the runs; settings, state and totals are stacked, and all runs train on the same batch.
    """

    def one(settings: Settings, state: TrainState, totals: Totals, batch: Batch) -> tuple[TrainState, Totals]:
        step = state.step
        state, report = advance_of(settings)(state, batch)
        return state, add_report(totals, report, step)

    every = traced_on(mesh, runs.over_runs(one, (0, 0, 0, None)))
    return jax.jit(every, donate_argnums=(1, 2), out_shardings=(sharding, replicated(mesh)))


def zero_totals(advance: Advance, state: TrainState, batch: Batch, runs: Stack = ONE) -> Totals:
    """Totals before the first step, for batches of this shape; state and batch of one run may be abstract."""
    report = jax.eval_shape(advance, state, batch)[1]
    return runs.repeat(
        Totals(
            sums={name: jnp.zeros(()) for name in report.sums},
            trouble_step=jnp.full((), -1, jnp.int32),
            trouble_ids=jnp.full(batch.ids.shape, -1, batch.ids.dtype),
        )
    )


class _Gradient(NamedTuple):
    """Value and gradient of one loss."""

    value: Float[Array, ""]
    """Loss, a mean over samples."""
    gradient: Any
    """Gradient by the parameters that are not frozen."""
    output: LossOutput


class Gradients(NamedTuple):
    """Function that computes the value and the gradient of a loss by the parameters that are not frozen."""

    loss: Loss
    freeze: Freeze

    def __call__(self, state: TrainState, batch: Batch, key: jax.Array) -> _Gradient:
        """Computes them for a batch; ``key`` is that of the dropout."""

        def objective(trained):
            return self.loss.function({**state.variables, "params": merged(state.params, trained)}, batch, key)

        with self.freeze.holding(state.variables):
            compute = jax.value_and_grad(objective, has_aux=True)
            (value, output), gradient = compute(self.freeze.trained(state.params))
        return _Gradient(value, gradient, output)


def _accumulate(find: Gradients, state: TrainState, batch: Batch, key: jax.Array, parts: int) -> _Gradient:
    """As ``find``, over parts of the batch in turn; each device has an equal share of every part."""
    rows = batch.mask.shape[0]
    # Each part consists of every parts-th row, so that no row has to move to another device.
    split = jax.tree.map(lambda x: jnp.swapaxes(x.reshape(rows // parts, parts, *x.shape[1:]), 0, 1), batch)
    share = jnp.sum(split.mask, axis=1, dtype=jnp.float32) / jnp.maximum(jnp.sum(batch.mask), 1)

    def add(carry, part):
        model_state, value, gradient = carry
        number, share, rows = part
        found = find(state.replace(model_state=model_state), rows, jax.random.fold_in(key, number))
        # A part without samples has no mean, so that its statistics and gradient are left out.
        some = share > 0
        value, gradient = jax.tree.map(
            lambda total, new: total + jnp.where(some, share * new, 0.0),
            (value, gradient),
            (found.value, found.gradient),
        )
        kept = jax.tree.map(lambda new, old: jnp.where(some, new, old), found.output.model_state, model_state)
        return (kept, value, gradient), (found.output.sample_losses, found.output.sums)

    nothing = jax.tree.map(jnp.zeros_like, find.freeze.trained(state.params))
    start = (state.model_state, jnp.zeros(()), nothing)
    (model_state, value, gradient), (losses, sums) = jax.lax.scan(add, start, (jnp.arange(parts), share, split))
    output = LossOutput(model_state, jnp.swapaxes(losses, 0, 1).reshape(rows), jax.tree.map(lambda x: x.sum(0), sums))
    return _Gradient(value, gradient, output)


def _update(
    find: Gradients,
    index: int,
    optimizer: Pausable,
    state: TrainState,
    batch: Batch,
    found: _Gradient,
) -> tuple[TrainState, dict[str, Array], Bool[Array, ""], Bool[Array, " B"]]:
    """Optimizer update for one loss: new state, metric sums, whether a value is not finite, rows with such a loss."""
    name, (value, gradient, output) = find.loss.name, found
    norm = optax.global_norm(gradient)
    # A batch whose samples were all skipped has neither a gradient nor statistics.
    states, learn = state.optimizer_states, jnp.any(batch.mask)
    statistics = jax.tree.map(lambda new, old: jnp.where(learn, new, old), output.model_state, state.model_state)
    trained = find.freeze.trained(state.params)
    updates, optimizer_state = optimizer.update(gradient, states[index], trained, learn=learn)
    state = state.replace(
        params=merged(state.params, optax.apply_updates(trained, updates)),
        model_state=statistics,
        optimizer_states=(*states[:index], optimizer_state, *states[index + 1 :]),
    )
    samples = jnp.sum(batch.mask, dtype=jnp.float32)
    sums = {
        f"{name}_loss": value * samples,
        f"{name}_gradient_norm": norm * samples,
        **{metric: jnp.asarray(total, jnp.float32) for metric, total in output.sums.items()},
    }
    rows = ~jnp.isfinite(output.sample_losses) & batch.mask
    return state, sums, jnp.any(rows) | ~jnp.isfinite(value) | ~jnp.isfinite(norm), rows


def _averaged(decay: float, freeze: Freeze, state: TrainState, learn: Bool[Array, ""]) -> Any:
    """Moves the average towards the parameters, unless nothing was learnt; faster in the first steps."""
    rate = 1 - jnp.minimum(decay, (1 + state.step) / (10 + state.step))

    def move(old, new):
        return jnp.where(learn, old + rate * (new - old), old)

    return jax.tree.map(move, state.average, freeze.trained(state.params))
