"""Greedy decoding of an autoregressive decoder's logits up to the end token."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.decoded import Decoded


def until_end(logits: Float[Array, "B S+1 K"], places: Int[Array, "B S+1"], end_id: int) -> Decoded:
    """Most probable tokens before the first end token, at most ``S``.

    The confidence of a token is its probability; that of the whole text is the product of the probabilities of its
    tokens and of the end token after them.

    Args:
      logits: scores of each token given the tokens predicted before it; one slot more than a text has tokens.
      places: position that the decoder attended to for each token, as in `Decoded.frames`.
      end_id: class id of the end token.
    """
    posterior = jax.nn.softmax(logits)
    tokens, confidences = jnp.argmax(logits, axis=-1).astype(jnp.int32), jnp.max(posterior, axis=-1)
    steps = logits.shape[1] - 1
    read = jnp.cumsum(tokens == end_id, axis=1)[:, :steps] == 0
    lengths = jnp.sum(read, axis=1, dtype=jnp.int32)
    ending = jnp.take_along_axis(posterior[..., end_id], lengths[:, None], axis=1)[:, 0]
    tokens, confidences, places = (x[:, :steps] for x in (tokens, confidences, places))
    return Decoded(
        tokens=jnp.where(read, tokens, 0),
        lengths=lengths,
        confidences=jnp.where(read, confidences, 0.0),
        frames=jnp.where(read, places, -1),
        confidence=jnp.prod(jnp.where(read, confidences, 1.0), axis=1) * ending,
    )
