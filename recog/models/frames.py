"""Output type of sequence readers."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Frames(NamedTuple):
    """Class scores for each frame of a batch."""

    logits: Float[Array, "B T K"]
    """Unnormalised scores, float32; the blank is one of the classes."""
    lengths: Int[Array, " B"]
    """Frames of each sample; later frames are padding."""


class FrameReader(Protocol):
    """Flax module that returns `Frames` from ``model(images, widths, train=...)``.

    Images are ``B H W C`` in -1..1. Rows of width 0 hold no sample and do not change batch statistics.
    """

    init: Callable[..., Any]
    apply: Callable[..., Any]

    def frames(self, width: int) -> int:
        """CTC frames for an image of this width."""
        ...


def all_frames(logits: Float[Array, "B T K"], widths: Int[Array, " B"]) -> Frames:
    """`Frames` of a model with a fixed input width: all frames for each sample, none for rows of width 0."""
    return Frames(logits, jnp.where(widths > 0, logits.shape[1], 0))
