"""Optimizers and schedules by configuration."""

import dataclasses

import jax
import optax


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


def make_schedule(config: OptimizerConfig, steps: int) -> optax.Schedule:
    """Learning rate by step over a run of ``steps``.

    Raises:
      ValueError: an unknown schedule, or a warm-up longer than the run.
    """
    if not 0 <= config.warmup_steps <= steps:
        raise ValueError(
            f"optimizer.warmup_steps={config.warmup_steps} lies outside the run of {steps} steps: lower it"
        )
    rate, rest = config.learning_rate, max(1, steps - config.warmup_steps)
    match config.schedule:
        case "constant":
            decay = optax.constant_schedule(rate)
        case "cosine":
            decay = optax.cosine_decay_schedule(rate, rest)
        case "exponential":
            decay = optax.exponential_decay(rate, rest, config.decay_rate)
        case other:
            raise ValueError(f"optimizer.schedule={other!r}: choose constant, cosine or exponential")
    if not config.warmup_steps:
        return decay
    warmup = optax.linear_schedule(0.0, rate, config.warmup_steps)
    return optax.join_schedules([warmup, decay], [config.warmup_steps])


def make_optimizer(config: OptimizerConfig, steps: int) -> optax.GradientTransformation:
    """The optimizer of a run of ``steps``.

    Raises:
      ValueError: an unknown optimizer or schedule.
    """
    rate = make_schedule(config, steps)
    match config.name:
        case "adadelta":
            scale = optax.adadelta(rate, rho=0.9, eps=1e-6)
        case "adam":
            scale = optax.adam(rate)
        case "adamw":
            scale = optax.adamw(rate, weight_decay=config.weight_decay, mask=_kernels)
        case "sgd":
            scale = optax.sgd(rate, momentum=config.momentum or None, nesterov=bool(config.momentum))
        case other:
            raise ValueError(f"optimizer.name={other!r}: choose adadelta, adam, adamw or sgd")
    parts = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    if config.weight_decay and config.name != "adamw":
        parts.append(optax.add_decayed_weights(config.weight_decay, mask=_kernels))
    return optax.chain(*parts, scale)


def _kernels(params):
    """Which parameters decay: by name too, because recurrent layers stack the biases of both directions."""

    def decays(path, parameter) -> bool:
        return parameter.ndim > 1 and "bias" not in jax.tree_util.keystr(path[-1:])

    return jax.tree_util.tree_map_with_path(decays, params)
