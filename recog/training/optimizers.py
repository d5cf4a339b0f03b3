"""Optimizers and learning rate schedules by configuration.

The optimizers are optax's, with an argument that pauses them: ``optimizer.update(gradient, state, params,
learn=False)`` changes nothing, for a batch without samples. The choice is made inside of the updates because its place
determines how often a step reads and writes all parameters' arrays.
"""

import dataclasses
import re
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Int

from recog.training.layer_rates import parse_rates, scale_by_path

NAMES = ("adadelta", "adam", "adamw", "sgd")
SCHEDULES = ("constant", "cosine", "exponential")


@dataclasses.dataclass
class OptimizerConfig:
    """Optimizer, learning rate schedule and gradient clipping."""

    name: str = "adamw"
    """``adadelta`` (rho 0.9, as the CRNN paper), ``adam``, ``adamw`` or ``sgd`` (Nesterov momentum)."""
    learning_rate: float = 1e-3
    """Peak learning rate; use 1.0 for the CRNN paper's Adadelta, which determines step sizes itself."""
    schedule: str = "cosine"
    """Schedule after the warm-up: ``constant``, ``cosine`` to zero at the last step, or ``exponential``."""
    warmup_steps: int = 0
    """Steps of linear increase from zero to the peak."""
    decay_rate: float = 0.1
    """Learning rate at the last step as a fraction of the peak, for ``exponential`` only."""
    momentum: float = 0.9
    """Momentum, for ``sgd`` only; 0 for none."""
    weight_decay: float = 0.0
    """Weight decay of kernels, not of biases and scales; decoupled with ``adamw``, added to the gradient otherwise."""
    clip_norm: float = 0.0
    """Maximum global norm of the gradient; 0 does not clip."""
    accumulation_steps: int = 1
    """Number of parts of each batch whose gradients are computed in turn and added up before the update, which saves
    memory and takes more time. Batch statistics are computed over each part."""
    freeze: str = ""
    """Regular expression, searched in paths such as ``backbone/conv1/kernel``, of the parameters to leave as they are;
    empty for none. Batch normalisation with only frozen parameters normalises by its running statistics, which stand
    still. The features of a wholly frozen backbone of a classifier are computed once unless pictures are augmented,
    which ``augment.flip`` alone may do."""
    learning_rate_of: tuple[str, ...] = ()
    """Factors of the learning rate of some parameters, written ``REGEX=FACTOR`` (``^backbone/=0.1``); the first
    expression that matches a parameter's path applies, and none means 1."""
    average: float = 0.0
    """Decay of an exponential moving average of the parameters, such as 0.999, which is evaluated and exported in their
    place; 0 keeps none. It is lower in the first steps: ``(1 + step) / (10 + step)``."""


def check_optimizer(config: OptimizerConfig, steps: int) -> None:
    """Raises ``ValueError``, naming the setting, if one is out of its range for a run of ``steps``."""
    if config.name not in NAMES:
        raise ValueError(f"optimizer.name={config.name!r}: choose {', '.join(NAMES[:-1])} or {NAMES[-1]}")
    if config.schedule not in SCHEDULES:
        raise ValueError(f"optimizer.schedule={config.schedule!r}: choose constant, cosine or exponential")
    if config.schedule == "exponential" and not config.decay_rate > 0:
        raise ValueError(f"optimizer.decay_rate={config.decay_rate}: choose more than 0")
    if not 0 <= config.warmup_steps <= steps:
        raise ValueError(
            f"optimizer.warmup_steps={config.warmup_steps} is not within the run of {steps} steps: choose 0 to {steps}"
        )
    if not 0 <= config.average < 1:
        raise ValueError(f"optimizer.average={config.average}: choose 0 or more, below 1")
    parse_rates(config.learning_rate_of)
    try:
        re.compile(config.freeze)
    except re.error as error:
        raise ValueError(f"optimizer.freeze={config.freeze!r} is not a regular expression: {error}") from error


def make_schedule(config: OptimizerConfig, steps: int | Int[Array, ""]) -> optax.Schedule:
    """Learning rate by step over a run of ``steps``; ``steps``, peak and warm-up may be scalar arrays.

    The formulas are those of optax, whose schedules take Python numbers only. See `check_optimizer` for ranges.
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
    """An optimizer whose ``update`` also takes ``learn``, a boolean scalar; False changes nothing."""


def pausable(optimizer: optax.GradientTransformation) -> Pausable:
    """Wraps an optax optimizer so that it can be paused."""
    return optimizer if isinstance(optimizer, Pausable) else _paused(_held(optimizer))


def make_optimizer(config: OptimizerConfig, steps: int | Int[Array, ""]) -> Pausable:
    """Optimizer of a run of ``steps``, for a configuration that has passed `check_optimizer`.

    Peak learning rate, warm-up and ``steps`` may be scalar arrays. ``init`` raises ``ValueError`` if an expression of
    ``learning_rate_of`` matches nothing.
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
    if config.learning_rate_of:
        parts.append(scale_by_path(parse_rates(config.learning_rate_of)))
    return _paused(optax.chain(*parts))


def _choose(learn: Bool[Array, ""] | bool, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda new, old: jnp.where(learn, new, old), new, old)


def _held(inner: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    """Leaves the optimizer state unchanged when ``learn`` is false."""

    def update(updates, state, params=None, *, learn=True):
        updates, moved = inner.update(updates, state, params)
        return updates, _choose(learn, moved, state)

    return optax.GradientTransformationExtraArgs(inner.init, update)


def _paused(inner: optax.GradientTransformationExtraArgs) -> Pausable:
    """Returns zero updates when ``learn`` is false."""

    def update(updates, state, params=None, *, learn=True):
        updates, state = inner.update(updates, state, params, learn=learn)
        return jax.tree.map(lambda x: jnp.where(learn, x, 0), updates), state

    return Pausable(inner.init, update)


def _adam() -> optax.GradientTransformationExtraArgs:
    """`optax.scale_by_adam` with a held state, whose updates are computed from the chosen moments.

    If the choice were made outside, XLA would compute the moments a second time for the updates from the old ones,
    which a CPU has to copy first: 15 instead of 10 arrays read or written per parameter array.
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
    """`optax.clip_by_global_norm` as one multiplication by a factor, without a second copy of the gradient."""

    def update(updates, state, params=None):
        factor = jnp.minimum(1.0, largest / optax.global_norm(updates))
        return jax.tree.map(lambda x: x * factor.astype(x.dtype), updates), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def _kernels(params):
    """Mask of the parameters that decay; checks names too, because recurrent layers stack biases to matrices."""

    def decays(path, parameter) -> bool:
        return parameter.ndim > 1 and "bias" not in jax.tree_util.keystr(path[-1:])

    return jax.tree_util.tree_map_with_path(decays, params)
