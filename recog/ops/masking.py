"""Masks for the padding of images."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def mask_padding(x: Float[Array, "B H W C"], sizes: Int[Array, "B 2"]) -> Float[Array, "B H W C"]:
    """Zeros rows and columns beyond each sample's height and width."""
    rows = jnp.arange(x.shape[1]) < sizes[:, 0, None]
    return jnp.where(rows[:, :, None, None], mask_columns(x, sizes[:, 1]), jnp.zeros((), x.dtype))


def mask_columns(x: Float[Array, "B H W C"], widths: Int[Array, " B"]) -> Float[Array, "B H W C"]:
    """Zeros columns beyond each sample's width, like the zero padding of a convolution."""
    live = jnp.arange(x.shape[2]) < widths[:, None]
    return jnp.where(live[:, None, :, None], x, jnp.zeros((), x.dtype))
