"""Decoded token sequences with confidences and positions, the output type of all decoders."""

from typing import Any, NamedTuple

from jaxtyping import Bool, Float, Int


class Decoded(NamedTuple):
    """A batch of decoded token sequences: arrays of JAX or of NumPy.

    Slots at and beyond ``lengths`` hold zeros (``-1`` in ``frames``).
    """

    tokens: Int[Any, "B S"]
    """Token ids, packed to the left."""
    lengths: Int[Any, " B"]
    """Number of tokens in each row."""
    confidences: Float[Any, "B S"]
    """Probability of each token, 0 to 1, as defined by the decoder."""
    frames: Int[Any, "B S"]
    """Frame (or position) from which each token was read, which locates it in the picture."""
    confidence: Float[Any, " B"]
    """Probability of the whole sequence, 0 to 1, also for an empty one."""

    def equals(self, labels: Int[Any, "B L"], label_lengths: Int[Any, " B"]) -> Bool[Any, " B"]:
        """Whether each row equals its label; slots beyond a label's length are ignored."""
        xp = self.tokens.__array_namespace__()
        width = max(self.tokens.shape[1], labels.shape[1])
        tokens, labels = (xp.pad(x, ((0, 0), (0, width - x.shape[1]))) for x in (self.tokens, labels))
        differs = (tokens != labels) & (xp.arange(width) < label_lengths[:, None])
        return (self.lengths == label_lengths) & ~xp.any(differs, axis=1)
