"""What a sequence reader emits, and how padding is kept out of it."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Frames(NamedTuple):
    """Per-frame class scores of a batch."""

    logits: Float[Array, "B T K"]
    """Unnormalised, float32."""
    lengths: Int[Array, " B"]
    """Frames of each sample; later ones are padding."""


class FrameReader(Protocol):
    """A Flax module that emits `Frames`: called as ``model(images, widths, train=...)``.

    Images are ``B H W C`` in -1..1. Rows of width 0 hold no sample and move no batch statistics.
    """

    init: Callable[..., Any]
    apply: Callable[..., Any]

    def frames(self, width: int) -> int:
        """Frames that a picture of this width has."""
        ...


def all_frames(logits: Float[Array, "B T K"], widths: Int[Array, " B"]) -> Frames:
    """For models of a fixed input width: every sample has all frames, rows without one have none."""
    return Frames(logits, jnp.where(widths > 0, logits.shape[1], 0))


def mask_columns(x: Float[Array, "B H W C"], widths: Int[Array, " B"]) -> Float[Array, "B H W C"]:
    """Zero beyond each sample's width: just what a convolution's own padding would put there."""
    live = jnp.arange(x.shape[2]) < widths[:, None]
    return jnp.where(live[:, None, :, None], x, jnp.zeros((), x.dtype))
