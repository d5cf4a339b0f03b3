"""Best-path decoding: each frame's most probable token, repeats merged, blanks removed (Graves et al. 2006, 3.2)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class BestPath(NamedTuple):
    """What best-path decoding read. Slots at and beyond ``lengths`` hold zeros (``-1`` in ``frames``)."""

    tokens: Int[Array, "B T"]
    """Token ids, packed to the left."""
    lengths: Int[Array, " B"]
    """Tokens read in each sample."""
    confidences: Float[Array, "B T"]
    """Highest posterior (0 to 1) of each token within its run of frames."""
    frames: Int[Array, "B T"]
    """The frame of that highest posterior: where in the image the token stands."""

    nothing: Float[Array, " B"]
    """Probability of the path of blanks alone: how sure it is that there is nothing to read."""

    def confidence(self) -> Float[Array, " B"]:
        """One number for a whole reading: the product of its tokens' confidences; `nothing` when none was read."""
        slot = jnp.arange(self.tokens.shape[1])
        product = jnp.prod(jnp.where(slot < self.lengths[:, None], self.confidences, 1.0), axis=1)
        return jnp.where(self.lengths == 0, self.nothing, product)


def best_path(logits: Float[Array, "B T K"], logit_lengths: Int[Array, " B"], *, blank_id: int = 0) -> BestPath:
    """Reads each sample along its most probable path.

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
    # Each frame of a run goes to the run's slot; every other frame goes to a slot past the end, which is cut off.
    slot = jnp.where(token, jnp.cumsum(starts, axis=1) - 1, frames)
    row = jnp.arange(batch)[:, None]
    confidences = jnp.zeros((batch, frames + 1), jnp.float32).at[row, slot].max(posterior)
    peaks = token & (posterior == jnp.take_along_axis(confidences, slot, axis=1))
    peak_slot = jnp.where(peaks, slot, frames)
    at = jnp.full((batch, frames + 1), frames, jnp.int32).at[row, peak_slot].min(jnp.arange(frames, dtype=jnp.int32))
    return BestPath(
        tokens=jnp.zeros((batch, frames + 1), jnp.int32).at[row, slot].max(ids)[:, :frames],
        lengths=jnp.sum(starts, axis=1, dtype=jnp.int32),
        confidences=confidences[:, :frames],
        frames=jnp.where(at == frames, -1, at)[:, :frames],
        nothing=jnp.exp(jnp.sum(jnp.where(live, logits[..., blank_id] - normaliser, 0.0), axis=1)),
    )
