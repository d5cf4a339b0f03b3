"""Best-path decoding: most probable token of each frame, repeats merged, blanks removed (Graves et al. 2006, 3.2)."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.decoded import Decoded


@dataclasses.dataclass(frozen=True)
class BestPath:
    """The decoder (`recog.ctc.decoder.Decoder`) that takes each sample's most probable path."""

    blank_id: int = 0
    on_host: ClassVar[bool] = False

    def __call__(self, logits: Float[Array, "B T K"], lengths: Int[Array, " B"]) -> Decoded:
        """See `best_path`."""
        return best_path(logits, lengths, blank_id=self.blank_id)


def best_path(logits: Float[Array, "B T K"], logit_lengths: Int[Array, " B"], *, blank_id: int = 0) -> Decoded:
    """Decodes the most probable path of each sample.

    A token's confidence is its highest posterior within its run of frames, and its frame is where that is reached. The
    confidence of the whole sequence is the product over its tokens, or for an empty one the probability of all blanks.

    Args:
      logits: unnormalised scores; computed in float32.
      logit_lengths: frames of each sample; later frames are ignored.
      blank_id: id of the blank.
    """
    batch, frames, _ = logits.shape
    logits = logits.astype(jnp.float32)
    ids = jnp.argmax(logits, axis=-1).astype(jnp.int32)  # B T
    normaliser = jax.nn.logsumexp(logits, axis=-1)
    posterior = jnp.exp(jnp.max(logits, axis=-1) - normaliser)
    live = jnp.arange(frames) < logit_lengths[:, None]
    token = live & (ids != blank_id)
    starts = token & (ids != jnp.pad(ids, ((0, 0), (1, 0)), constant_values=blank_id)[:, :-1])
    # Each frame of a run scatters to the run's slot; every other frame to a slot past the end, which is cut off.
    slot = jnp.where(token, jnp.cumsum(starts, axis=1) - 1, frames)
    row = jnp.arange(batch)[:, None]
    confidences = jnp.zeros((batch, frames + 1), jnp.float32).at[row, slot].max(posterior)
    peaks = token & (posterior == jnp.take_along_axis(confidences, slot, axis=1))
    peak_slot = jnp.where(peaks, slot, frames)
    at = jnp.full((batch, frames + 1), frames, jnp.int32).at[row, peak_slot].min(jnp.arange(frames, dtype=jnp.int32))
    lengths = jnp.sum(starts, axis=1, dtype=jnp.int32)
    read = jnp.arange(frames) < lengths[:, None]
    nothing = jnp.exp(jnp.sum(jnp.where(live, logits[..., blank_id] - normaliser, 0.0), axis=1))
    return Decoded(
        tokens=jnp.zeros((batch, frames + 1), jnp.int32).at[row, slot].max(ids)[:, :frames],
        lengths=lengths,
        confidences=confidences[:, :frames],
        frames=jnp.where(at == frames, -1, at)[:, :frames],
        confidence=jnp.where(lengths == 0, nothing, jnp.prod(jnp.where(read, confidences[:, :frames], 1.0), axis=1)),
    )
