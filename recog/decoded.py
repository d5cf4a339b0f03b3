"""What a reader has read: token ids with confidences on the device, texts on the host."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from recog.alphabet import Alphabet


class Decoded(NamedTuple):
    """A batch of readings, whichever decoder made them.

    Slots at and beyond ``lengths`` hold zeros (``-1`` in ``frames``).
    """

    tokens: Int[Array, "B S"]
    """Token ids, packed to the left."""
    lengths: Int[Array, " B"]
    """Tokens read in each sample."""
    confidences: Float[Array, "B S"]
    """Probability (0 to 1) of each token, as its decoder has it."""
    frames: Int[Array, "B S"]
    """The frame each token was read from: where in the picture it stands."""
    confidence: Float[Array, " B"]
    """One number for the whole reading, 0 to 1; also where nothing was read."""

    def equals(self, labels: Int[Array, "B L"], label_lengths: Int[Array, " B"]) -> Bool[Array, " B"]:
        """Which rows were read token for token; what stands in a label beyond its length does not matter."""
        width = max(self.tokens.shape[1], labels.shape[1])
        tokens, labels = (jnp.pad(x, ((0, 0), (0, width - x.shape[1]))) for x in (self.tokens, labels))
        differs = (tokens != labels) & (jnp.arange(width) < label_lengths[:, None])
        return (self.lengths == label_lengths) & ~jnp.any(differs, axis=1)


class Reading(NamedTuple):
    """A text with the confidence (0 to 1) that it is right."""

    text: str
    confidence: float


def texts(alphabet: Alphabet, decoded: Decoded) -> list[Reading]:
    """What a batch reads as, on the host."""
    rows = zip(*(np.asarray(x) for x in (decoded.tokens, decoded.lengths, decoded.confidence)), strict=True)
    return [Reading(alphabet.decode(tokens[:length].tolist()), float(whole)) for tokens, length, whole in rows]
