"""Decoded token sequences with confidences and positions, the output type of all decoders."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class Decoded(NamedTuple):
    """A batch of decoded token sequences.

    Slots at and beyond ``lengths`` hold zeros (``-1`` in ``frames``).
    """

    tokens: Int[Array, "B S"]
    """Token ids, packed to the left."""
    lengths: Int[Array, " B"]
    """Number of tokens in each row."""
    confidences: Float[Array, "B S"]
    """Probability of each token, 0 to 1, as defined by the decoder."""
    frames: Int[Array, "B S"]
    """Frame (or position) from which each token was read, which locates it in the picture."""
    confidence: Float[Array, " B"]
    """Probability of the whole sequence, 0 to 1, also for an empty one."""

    def equals(self, labels: Int[Array, "B L"], label_lengths: Int[Array, " B"]) -> Bool[Array, " B"]:
        """Whether each row equals its label; slots beyond a label's length are ignored."""
        width = max(self.tokens.shape[1], labels.shape[1])
        tokens, labels = (jnp.pad(x, ((0, 0), (0, width - x.shape[1]))) for x in (self.tokens, labels))
        differs = (tokens != labels) & (jnp.arange(width) < label_lengths[:, None])
        return (self.lengths == label_lengths) & ~jnp.any(differs, axis=1)
