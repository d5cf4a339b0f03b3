"""Affine maps and bilinear sampling, shared by augmentation and spatial transformers."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def affine_points(matrices: Float[Array, "B 2 3"], height: int, width: int) -> Float[Array, "B H W 2"]:
    """Where each output pixel looks in its input: ``matrix @ (x, y, 1)`` in pixels, pixel centres at integers.

    Args:
      matrices: from output to input coordinates.
      height: rows of the output.
      width: columns of the output.
    """
    x = jnp.arange(width, dtype=jnp.float32)[None, None, :, None]
    y = jnp.arange(height, dtype=jnp.float32)[None, :, None, None]
    m = matrices[:, None, None]  # B 1 1 2 3
    return m[..., 0] * x + m[..., 1] * y + m[..., 2]


def bilinear_sample(images: Float[Array, "B H W C"], points: Float[Array, "B Y X 2"]) -> Float[Array, "B Y X C"]:
    """Samples each image at ``(x, y)`` pixel points; points outside see the nearest border pixel.

    Differentiable in both arguments (Jaderberg et al. 2015, equation 5).
    """
    images = jnp.asarray(images)  # NumPy cannot be indexed by traced points
    height, width = images.shape[1:3]
    x = jnp.clip(points[..., 0], 0, width - 1)
    y = jnp.clip(points[..., 1], 0, height - 1)
    left, top = jnp.floor(x).astype(jnp.int32), jnp.floor(y).astype(jnp.int32)
    right, bottom = jnp.minimum(left + 1, width - 1), jnp.minimum(top + 1, height - 1)
    across, down = (x - left)[..., None], (y - top)[..., None]
    row = jnp.arange(images.shape[0])[:, None, None]
    upper = images[row, top, left] * (1 - across) + images[row, top, right] * across
    lower = images[row, bottom, left] * (1 - across) + images[row, bottom, right] * across
    return upper * (1 - down) + lower * down
