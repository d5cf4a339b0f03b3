"""What optics and sensor do to a picture: random blur and noise."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

REACH = 3
"""Standard deviations at which a Gaussian window ends."""


def blur(
    limit: float, key: jax.Array, images: Float[Array, "B H W C"], widths: Int[Array, " B"]
) -> Float[Array, "B H W C"]:
    """A Gaussian blur of each picture by its own standard deviation, up to the limit in pixels."""
    sigmas = jax.random.uniform(key, widths.shape, maxval=limit)
    return gaussian(images, widths, sigmas, math.ceil(REACH * limit))


def gaussian(
    images: Float[Array, "B H W C"], widths: Int[Array, " B"], sigmas: Float[Array, " B"], radius: int
) -> Float[Array, "B H W C"]:
    """Pictures blurred by one standard deviation each; beyond its own borders, a picture's border goes on.

    Args:
      images: padded on the right.
      widths: columns of each that are not padding.
      sigmas: standard deviations in pixels; of 0, a picture stays as it is.
      radius: pixels to either side that the window reaches.
    """
    offsets = jnp.arange(-radius, radius + 1)
    weights = jnp.exp(-0.5 * (offsets / jnp.maximum(sigmas, 1e-3)[:, None]) ** 2)  # B N
    weights = (weights / jnp.sum(weights, axis=1, keepdims=True))[:, :, None, None, None]
    last = images[jnp.arange(len(images)), :, widths - 1][:, :, None]  # B H 1 C
    live = jnp.arange(images.shape[2]) < widths[:, None]
    images = jnp.where(live[:, None, :, None], images, last)
    images = jnp.pad(images, [(0, 0), (radius, radius), (radius, radius), (0, 0)], mode="edge")
    return _slide(weights, _slide(weights, images, axis=1), axis=2)


def noise(limit: float, key: jax.Array, images: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
    """Adds Gaussian noise to every pixel, of one standard deviation a picture, up to the limit in parts of 255."""
    strength_key, key = jax.random.split(key)
    strength = 255 * jax.random.uniform(strength_key, (images.shape[0], 1, 1, 1), maxval=limit)
    return images + strength * jax.random.normal(key, images.shape)


def _slide(weights: Float[Array, "B N 1 1 1"], images: Float[Array, "B Y X C"], axis: int) -> Float[Array, "B H W C"]:
    """Weighted sums over ``N`` neighbours along an axis, which so loses ``N - 1`` pixels.

    A loop, because a convolution with other weights for each sample is slow, and unrolled passes may be fused into one
    that computes the first anew for every neighbour of the second.
    """
    count = weights.shape[1]
    size = images.shape[axis] - count + 1

    def add(i: Int[Array, ""], total: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        weight = jax.lax.dynamic_index_in_dim(weights, i, axis=1, keepdims=False)
        return total + weight * jax.lax.dynamic_slice_in_dim(images, i, size, axis)

    return jax.lax.fori_loop(0, count, add, jnp.zeros((*images.shape[:axis], size, *images.shape[axis + 1 :])))
