"""Random numbers, one for each sample."""

import math

import jax
from jaxtyping import Array, Float


def draw(key: jax.Array, batch: int, limit: float) -> Float[Array, " B"]:
    """Uniform numbers between ``-limit`` and ``limit``."""
    return jax.random.uniform(key, (batch,), minval=-limit, maxval=limit)


def draw_factor(key: jax.Array, batch: int, change: float) -> Float[Array, " B"]:
    """Log-uniform factors between ``1 / (1 + change)`` and ``1 + change``."""
    return jax.numpy.exp(draw(key, batch, math.log1p(change)))
