"""Random blur and noise, as from optics and sensor."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

REACH = 3
"""Radius of a Gaussian window in standard deviations."""


def blur(
    limit: float, key: jax.Array, images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"]
) -> Float[Array, "B H W C"]:
    """Blurs each picture by its own random standard deviation, up to ``limit`` pixels."""
    sigmas = jax.random.uniform(key, (len(sizes),), maxval=limit)
    return gaussian(images, sizes, sigmas, math.ceil(REACH * limit))


def gaussian(
    images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"], sigmas: Float[Array, " B"], radius: int
) -> Float[Array, "B H W C"]:
    """Gaussian blur of each picture by its own standard deviation; borders are replicated.

    Args:
      images: pictures, padded on the right and at the bottom.
      sizes: height and width of each picture without padding.
      sigmas: standard deviations in pixels; 0 leaves a picture unchanged.
      radius: pixels that the window extends to each side.
    """
    offsets = jnp.arange(-radius, radius + 1)
    weights = jnp.exp(-0.5 * (offsets / jnp.maximum(sigmas, 1e-3)[:, None]) ** 2)  # B N
    weights = (weights / jnp.sum(weights, axis=1, keepdims=True))[:, :, None, None, None]
    images = _extend(images, sizes)
    images = jnp.pad(images, [(0, 0), (radius, radius), (radius, radius), (0, 0)], mode="edge")
    return _slide(weights, _slide(weights, images, axis=1), axis=2)


def _extend(images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"]) -> Float[Array, "B H W C"]:
    """Replaces padding by each picture's last row and column."""
    each, (rows, columns) = jnp.arange(len(images)), (jnp.arange(length) for length in images.shape[1:3])
    right = images[each, :, sizes[:, 1] - 1][:, :, None]  # B H 1 C
    images = jnp.where((columns < sizes[:, 1, None])[:, None, :, None], images, right)
    below = images[each, sizes[:, 0] - 1][:, None]  # B 1 W C
    return jnp.where((rows < sizes[:, 0, None])[:, :, None, None], images, below)


def noise(limit: float, key: jax.Array, images: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
    """Adds Gaussian noise; one random standard deviation for each picture, up to ``limit`` as a fraction of 255."""
    strength_key, key = jax.random.split(key)
    strength = 255 * jax.random.uniform(strength_key, (images.shape[0], 1, 1, 1), maxval=limit)
    return images + strength * jax.random.normal(key, images.shape)


def _slide(weights: Float[Array, "B N 1 1 1"], images: Float[Array, "B Y X C"], axis: int) -> Float[Array, "B H W C"]:
    """Weighted sums over ``N`` neighbours along an axis, which becomes ``N - 1`` pixels shorter.

    A loop, because a convolution with different weights for each sample is slow, and XLA may fuse unrolled passes so
    that the first is recomputed for every neighbour of the second.
    """
    count = weights.shape[1]
    size = images.shape[axis] - count + 1

    def add(i: Int[Array, ""], total: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        weight = jax.lax.dynamic_index_in_dim(weights, i, axis=1, keepdims=False)
        return total + weight * jax.lax.dynamic_slice_in_dim(images, i, size, axis)

    return jax.lax.fori_loop(0, count, add, jnp.zeros((*images.shape[:axis], size, *images.shape[axis + 1 :])))
