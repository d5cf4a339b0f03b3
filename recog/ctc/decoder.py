"""The protocol of decoders over CTC logits."""

from typing import Protocol

from jaxtyping import Array, Float, Int

from recog.decoded import Decoded


class Decoder(Protocol):
    """Turns per-frame scores into token sequences; a value, fit to be jitted and exported."""

    def __call__(self, logits: Float[Array, "B T K"], lengths: Int[Array, " B"]) -> Decoded:
        """Decodes a batch.

        Args:
          logits: unnormalised scores of each frame's classes.
          lengths: frames of each sample; later ones are padding.
        """
        ...
