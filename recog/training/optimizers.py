"""Optimizers and schedules by configuration.

They are optax's, and may be told to stand still: ``optimizer.update(gradient, state, params, learn=False)``, for a
batch that teaches nothing. Where that choice is made decides how often a step goes over all parameters' arrays.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Int

NAMES = ("adadelta", "adam", "adamw", "sgd")
SCHEDULES = ("constant", "cosine", "exponential")


@dataclasses.dataclass
class OptimizerConfig:
    """Which optimizer, how fast, and how that changes over a run."""

    name: str = "adamw"
    """``adadelta`` (rho 0.9, as the CRNN paper), ``adam``, ``adamw`` or ``sgd`` (Nesterov momentum)."""
    learning_rate: float = 1e-3
    """Peak learning rate; the CRNN paper's Adadelta sets its own step sizes: use 1.0."""
    schedule: str = "cosine"
    """After the warm-up: ``constant``, ``cosine`` to zero at the last step, or ``exponential``."""
    warmup_steps: int = 0
    """Steps of linear growth from zero to the peak."""
    decay_rate: float = 0.1
    """``exponential`` only: the factor by which the rate has shrunk at the last step."""
    momentum: float = 0.9
    """``sgd`` only."""
    weight_decay: float = 0.0
    """On kernels, never on biases and scales; decoupled with ``adamw``, added to the gradient otherwise."""
    clip_norm: float = 0.0
    """Largest global norm of the gradient; 0 does not clip."""
    accumulation_steps: int = 1
    """Parts of each batch whose gradients are computed one after the other and added up before the update: less memory,
    more time. Batch statistics are taken over each part."""


def check_optimizer(config: OptimizerConfig, steps: int) -> None:
    """Raises ``ValueError``, naming the setting, where one is out of its range for a run of ``steps``."""
    if config.name not in NAMES:
        raise ValueError(f"optimizer.name={config.name!r}: choose {', '.join(NAMES[:-1])} or {NAMES[-1]}")
    if config.schedule not in SCHEDULES:
        raise ValueError(f"optimizer.schedule={config.schedule!r}: choose constant, cosine or exponential")
    if not 0 <= config.warmup_steps <= steps:
        raise ValueError(
            f"optimizer.warmup_steps={config.warmup_steps} lies outside the run of {steps} steps: lower it"
        )


def make_schedule(config: OptimizerConfig, steps: int | Int[Array, ""]) -> optax.Schedule:
    """Learning rate by step over a run of ``steps``; these, the peak and the warm-up may be scalar arrays.

    The formulas are optax's, which takes numbers alone. See `check_optimizer` for ranges.
    """
    peak, warmup = config.learning_rate, config.warmup_steps
    rest = jnp.maximum(steps - warmup, 1)

    def decay(count):
        match config.schedule:
            case "cosine":
                return peak * (0.5 * (1 + jnp.cos(jnp.pi * jnp.minimum(count, rest) / rest)))
            case "exponential":
                return jnp.where(count <= 0, peak, peak * jnp.power(config.decay_rate, count / rest))
            case _:
                return jnp.asarray(peak)

    def schedule(count):
        rising = -peak * (1 - jnp.clip(count, 0, warmup) / jnp.maximum(warmup, 1)) + peak
        return jnp.where(count < warmup, rising, decay(count - warmup))

    return schedule


class Pausable(optax.GradientTransformationExtraArgs):
    """An optimizer whose ``update`` takes ``learn`` too, a scalar that says whether anything is to change."""


def pausable(optimizer: optax.GradientTransformation) -> Pausable:
    """Any of optax as one that can stand still."""
    return optimizer if isinstance(optimizer, Pausable) else _still(_held(optimizer))


def make_optimizer(config: OptimizerConfig, steps: int | Int[Array, ""]) -> Pausable:
    """The optimizer of a run of ``steps``, of a configuration that `check_optimizer` has passed.

    Peak learning rate, warm-up and steps may be scalar arrays.
    """
    rate = make_schedule(config, steps)
    decay = optax.add_decayed_weights(config.weight_decay, mask=_kernels)
    parts: list[optax.GradientTransformation]
    match config.name:
        case "adadelta":
            parts = [_held(optax.adadelta(rate, rho=0.9, eps=1e-6))]
        case "adam":
            parts = [optax.chain(_adam(), _held(optax.scale_by_learning_rate(rate)))]
        case "adamw":
            parts = [optax.chain(_adam(), decay, _held(optax.scale_by_learning_rate(rate)))]
        case _:
            parts = [_held(optax.sgd(rate, momentum=config.momentum or None, nesterov=bool(config.momentum)))]
    if config.weight_decay and config.name != "adamw":
        parts.insert(0, decay)
    if config.clip_norm:
        parts.insert(0, _clip(config.clip_norm))
    return _still(optax.chain(*parts))


def _choose(learn: Bool[Array, ""] | bool, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda new, old: jnp.where(learn, new, old), new, old)


def _held(inner: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    """With a state that changes only where there is something to learn."""

    def update(updates, state, params=None, *, learn=True):
        updates, moved = inner.update(updates, state, params)
        return updates, _choose(learn, moved, state)

    return optax.GradientTransformationExtraArgs(inner.init, update)


def _still(inner: optax.GradientTransformationExtraArgs) -> Pausable:
    """With updates that are zero where there is nothing to learn."""

    def update(updates, state, params=None, *, learn=True):
        updates, state = inner.update(updates, state, params, learn=learn)
        return jax.tree.map(lambda x: jnp.where(learn, x, 0), updates), state

    return Pausable(inner.init, update)


def _adam() -> optax.GradientTransformationExtraArgs:
    """`optax.scale_by_adam`, held, whose updates come of the moments that were chosen.

    With the choice made outside, XLA computes the moments a second time for the updates, of the old ones, which a CPU
    has to copy first: 15 arrays read or written for each parameter's instead of 10.
    """
    mean_decay, square_decay, epsilon = 0.9, 0.999, 1e-8
    plain = optax.scale_by_adam(mean_decay, square_decay, epsilon)

    def update(updates, state, params=None, *, learn=True):
        moved = plain.update(updates, state, params)[1]
        state = _choose(learn, moved, state)
        mean = optax.tree.bias_correction(state.mu, mean_decay, state.count)
        square = optax.tree.bias_correction(state.nu, square_decay, state.count)
        return jax.tree.map(lambda m, v: m / (jnp.sqrt(v) + epsilon), mean, square), state

    return optax.GradientTransformationExtraArgs(plain.init, update)


def _clip(largest: float) -> optax.GradientTransformation:
    """`optax.clip_by_global_norm` with one factor for all, which needs no scaled copy of the gradient."""

    def update(updates, state, params=None):
        factor = jnp.minimum(1.0, largest / optax.global_norm(updates))
        return jax.tree.map(lambda x: x * factor.astype(x.dtype), updates), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def _kernels(params):
    """Which parameters decay: by name too, because recurrent layers stack the biases of both directions."""

    def decays(path, parameter) -> bool:
        return parameter.ndim > 1 and "bias" not in jax.tree_util.keystr(path[-1:])

    return jax.tree_util.tree_map_with_path(decays, params)
