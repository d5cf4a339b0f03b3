"""Token sequences that a decoder found, with confidences and places; the same type for every decoder."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class Decoded(NamedTuple):
    """A batch of decoded token sequences.

    Slots at and beyond ``lengths`` hold zeros (``-1`` in ``frames``).
    """

    tokens: Int[Array, "B S"]
    """Token ids, packed to the left."""
    lengths: Int[Array, " B"]
    """Tokens of each sample."""
    confidences: Float[Array, "B S"]
    """Probability (0 to 1) of each token, as its decoder defines it."""
    frames: Int[Array, "B S"]
    """The frame each token was read from: where in the picture it stands."""
    confidence: Float[Array, " B"]
    """Probability (0 to 1) of the whole sequence, also where it is empty."""

    def equals(self, labels: Int[Array, "B L"], label_lengths: Int[Array, " B"]) -> Bool[Array, " B"]:
        """Whether each row holds exactly its label's tokens; slots beyond a label's length do not matter."""
        width = max(self.tokens.shape[1], labels.shape[1])
        tokens, labels = (jnp.pad(x, ((0, 0), (0, width - x.shape[1]))) for x in (self.tokens, labels))
        differs = (tokens != labels) & (jnp.arange(width) < label_lengths[:, None])
        return (self.lengths == label_lengths) & ~jnp.any(differs, axis=1)

    @classmethod
    def of(cls, prediction: dict[str, Any]) -> "Decoded":
        """The decoded part of a reader's prediction."""
        return cls(*(prediction[name] for name in cls._fields))
