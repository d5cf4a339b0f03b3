"""Sums of probabilities by their logarithms."""

import jax.numpy as jnp

LOG_ZERO = -1e30
"""The logarithm that stands for "impossible": finite, so that differences of two of them are never NaN."""


def log_add(a, b):
    """Logarithm of the sum of two numbers whose logarithms are given."""
    high, low = jnp.maximum(a, b), jnp.minimum(a, b)
    return high + jnp.log(1 + jnp.exp(low - high))


def log_add3(a, b, c):
    """The same of three numbers, with one logarithm."""
    high, low = jnp.maximum(a, b), jnp.minimum(a, b)
    top, middle = jnp.maximum(high, c), jnp.minimum(high, c)
    return top + jnp.log(1 + jnp.exp(middle - top) + jnp.exp(low - top))
