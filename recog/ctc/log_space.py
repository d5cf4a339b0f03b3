"""Sums of probabilities in log space."""

import jax.numpy as jnp

LOG_ZERO = -1e30
"""Logarithm of an impossible event: finite, so that the difference of two of them is not NaN."""


def log_add(a, b):
    """``log(exp(a) + exp(b))``."""
    high, low = jnp.maximum(a, b), jnp.minimum(a, b)
    return high + jnp.log(1 + jnp.exp(low - high))


def log_add3(a, b, c):
    """``log(exp(a) + exp(b) + exp(c))``, with a single logarithm."""
    high, low = jnp.maximum(a, b), jnp.minimum(a, b)
    top, middle = jnp.maximum(high, c), jnp.minimum(high, c)
    return top + jnp.log(1 + jnp.exp(middle - top) + jnp.exp(low - top))
