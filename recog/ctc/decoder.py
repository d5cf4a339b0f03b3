"""Protocols of decoders over CTC logits."""

from typing import Any, ClassVar, Protocol, runtime_checkable

from jaxtyping import Float, Int

from recog.decoded import Decoded

BEAM_WIDTH = 10
"""Hypotheses that a beam search keeps after each frame, unless told otherwise."""


class Decoder(Protocol):
    """Turns per-frame scores into token sequences; a value."""

    on_host: ClassVar[bool]
    """Whether it takes and returns NumPy arrays; otherwise it can be jitted and exported."""

    def __call__(self, logits: Float[Any, "B T K"], lengths: Int[Any, " B"]) -> Decoded:
        """Decodes a batch.

        Args:
          logits: unnormalised scores of each frame's classes.
          lengths: frames of each sample; later ones are padding.
        """
        ...


@runtime_checkable
class Ranking(Decoder, Protocol):
    """A decoder that also lists the best sequences of each sample."""

    def best(self, logits: Float[Any, "B T K"], lengths: Int[Any, " B"], count: int) -> Decoded:
        """Finds the ``count`` best sequences of each sample, best first: arrays ``B N ...``.

        Where there are fewer, the others are empty and have the confidence 0.
        """
        ...
