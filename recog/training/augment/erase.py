"""Random erasing (Zhong et al. 2020): a rectangle of random colour covers a part of the picture."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

FLATTEST = 0.3
"""Minimum ratio of a rectangle's shorter side to its longer one, before it is cut to the picture (section 3.2)."""


def erase(
    limit: float, key: jax.Array, images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"]
) -> Float[Array, "B H W C"]:
    """Paints one rectangle of one random colour into each picture.

    Its area is uniform up to ``limit``, as a fraction of the picture's area; sides longer than the picture's are cut.
    """
    (batch, height, width, channels), heights, widths = images.shape, sizes[:, 0], sizes[:, 1]
    keys = jax.random.split(key, 5)
    area = jax.random.uniform(keys[0], (batch,), maxval=limit) * widths * heights
    end = math.log(FLATTEST)
    ratio = jnp.exp(jax.random.uniform(keys[1], (batch,), minval=end, maxval=-end))
    high, wide = jnp.minimum(jnp.sqrt(area * ratio), heights), jnp.minimum(jnp.sqrt(area / ratio), widths)
    top = jax.random.uniform(keys[2], (batch,)) * (heights - high)
    left = jax.random.uniform(keys[3], (batch,)) * (widths - wide)
    rows = _within(top, high, height)[:, :, None, None]
    columns = _within(left, wide, width)[:, None, :, None]
    colour = 255 * jax.random.uniform(keys[4], (batch, 1, 1, channels))
    return jnp.where(rows & columns, colour, images)


def _within(start: Float[Array, " B"], length: Float[Array, " B"], size: int) -> Array:
    """Mask ``B N`` of the pixels, of ``size``, that have their centre between start and end."""
    middles = jnp.arange(size) + 0.5
    return (middles >= start[:, None]) & (middles < (start + length)[:, None])
