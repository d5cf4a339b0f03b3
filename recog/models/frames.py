"""What a sequence reader emits, and how padding is kept out of it."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Frames(NamedTuple):
    """Per-frame class scores of a batch."""

    logits: Float[Array, "B T K"]
    """Unnormalised, float32."""
    lengths: Int[Array, " B"]
    """Frames of each sample; later ones are padding."""


def mask_columns(x: Float[Array, "B H W C"], widths: Int[Array, " B"]) -> Float[Array, "B H W C"]:
    """Zero beyond each sample's width: just what a convolution's own padding would put there."""
    live = jnp.arange(x.shape[2]) < widths[:, None]
    return jnp.where(live[:, None, :, None], x, jnp.zeros((), x.dtype))
