"""Batch normalisation whose statistics leave out padding and rows without a sample."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

EPSILON = 1e-5
"""Added to the variance (Ioffe and Szegedy 2015; the default of ``nn.BatchNorm`` and PyTorch)."""
MOMENTUM = 0.9
"""Weight of the old running statistics in each update; PyTorch's ``momentum=0.1``."""


class BatchNorm(nn.Module):
    """Masked ``nn.BatchNorm(momentum=0.9)``, with the same parameters and statistics.

    Padding and rows without a sample do not change the statistics, whatever they hold. Without any live column the
    statistics are those of zeros. The custom gradient saves only the input and reads it twice.

    The bias of the preceding layer need not be added, because normalisation removes it. It is passed as ``bias_before``
    instead, shifts only the running mean, and has a gradient of zero in training.
    """

    dtype: jnp.dtype = jnp.float32
    """Type of the result; statistics and parameters are float32."""
    epsilon: float = EPSILON
    """Added to the variance."""

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "B H W C"],
        live: Bool[Array, "B W"] | Bool[Array, "B 1"],
        bias_before: Float[Array, " C"] | float = 0.0,
        *,
        train: bool,
    ) -> Float[Array, "B H W C"]:
        """Normalises.

        Args:
          x: the input without ``bias_before``.
          live: False for columns of padding; ``B 1`` where it is the same for all columns of a row.
          bias_before: bias of the preceding layer.
          train: normalise by the statistics of the batch and update the running ones; otherwise by the running ones.
        """
        channels = (x.shape[-1],)
        scale = self.param("scale", nn.initializers.ones, channels)
        bias = self.param("bias", nn.initializers.zeros, channels)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, channels, jnp.float32)
        running_variance = self.variable("batch_stats", "var", jnp.ones, channels, jnp.float32)
        if not train:
            mean, variance = running_mean.value, running_variance.value
            return _apply(x, mean - bias_before, variance, scale, bias, self.epsilon).astype(self.dtype)
        y, (mean, variance) = _normalize(x, live, scale, bias, self.epsilon)
        if not self.is_initializing():
            for running, now in ((running_mean, mean + bias_before), (running_variance, variance)):
                running.value = MOMENTUM * running.value + (1 - MOMENTUM) * lax.stop_gradient(now)
        return y.astype(self.dtype)


class Moments(NamedTuple):
    """Mean and variance over the live columns of a batch."""

    pixels: Float[Array, ""]
    """Number of live pixels."""
    mean: Float[Array, " C"]
    variance: Float[Array, " C"]


def input_moments(
    x: Float[Array, "B H W C"],
    live: Bool[Array, "B W"] | Bool[Array, "B 1"],
    bias_before: Float[Array, " C"] | float = 0.0,
) -> Moments:
    """Moments of the input of a `BatchNorm`, as its running statistics have them; arguments as there.

    Unlike in training, the variance is that of differences from the mean, which rounding does not harm.
    """
    x = x.astype(jnp.float32)
    mean, _ = _moments(x, live)
    rest, variance = _moments(x - mean, live)
    return Moments(_live_pixels(x, live), mean + rest + bias_before, variance)


def _apply(x, mean, variance, scale, bias, epsilon: float):
    return (x - mean) * (lax.rsqrt(variance + epsilon) * scale) + bias


def _moments(x: Float[Array, "B H W C"], live: Bool[Array, "B _"]) -> tuple[Float[Array, " C"], Float[Array, " C"]]:
    """Mean and variance over live columns, float32."""
    count = jnp.maximum(_live_pixels(x, live), 1)
    x = x.astype(jnp.float32)
    # Masked after the sum over rows: masking every pixel would cost several times as much as the sums.
    sums = (jnp.where(live[..., None], part, 0.0) for part in _sum_rows(x, jnp.square(x)))
    mean, square = (jnp.sum(part, axis=(0, 1)) / count for part in sums)
    return mean, jnp.maximum(square - jnp.square(mean), 0.0)


def _sum_rows(*parts: Float[Array, "B H W C"]) -> tuple[Float[Array, "B W C"], ...]:
    """Sums over the rows of several arrays in one pass."""
    return tuple(
        lax.reduce(parts, tuple(jnp.zeros((), x.dtype) for x in parts), lambda a, b: tuple(map(jnp.add, a, b)), (1,))
    )


def _live_pixels(x: Float[Array, "B H W C"], live: Bool[Array, "B _"]) -> Float[Array, ""]:
    return jnp.sum(live).astype(jnp.float32) * (x.shape[1] * x.shape[2] // live.shape[1])


def _with_moments(x, live, scale, bias, epsilon: float) -> tuple[Array, tuple[Array, Array]]:
    """The normalised ``x``, and its mean and variance, through which no gradient flows."""
    mean, variance = _moments(x, live)
    return _apply(x, mean, variance, scale, bias, epsilon), (mean, variance)


_normalize = jax.custom_vjp(_with_moments, nondiff_argnums=(4,))


def _forward(x, live, scale, bias, epsilon):
    y, (mean, variance) = _normalize(x, live, scale, bias, epsilon)
    return (y, (mean, variance)), (x, live, scale, mean, variance)


def _backward(epsilon, saved, gradients):
    x, live, scale, mean, variance = saved
    gradient, inverse = gradients[0].astype(jnp.float32), lax.rsqrt(variance + epsilon)
    x = x.astype(jnp.float32)
    # Not the sum of gradient * (x - mean): CPUs would write that difference to memory before summing it.
    for_bias = jnp.sum(gradient, axis=(0, 1, 2))
    for_scale = inverse * (jnp.sum(gradient * x, axis=(0, 1, 2)) - mean * for_bias)
    share = jnp.where(live, 1.0, 0.0)[:, None, :, None] / jnp.maximum(_live_pixels(x, live), 1)
    through_statistics = share * (scale * inverse * (for_bias + for_scale * inverse * (x - mean)))
    # The difference comes last: XLA would recompute a product with the scale for each shape that uses it.
    for_x = scale * inverse * gradient - through_statistics
    return for_x.astype(saved[0].dtype), None, for_scale, for_bias


_normalize.defvjp(_forward, _backward)
