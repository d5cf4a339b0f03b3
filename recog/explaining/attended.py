"""Attention maps of autoregressive decoders, and the probabilities of what they read."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.models.attention import AttentionReader


class Attended(NamedTuple):
    """Decoding of given tokens."""

    attention: Float[Array, "B S+1 T"]
    """Weights of the positions for each token, and for the end token after the last slot."""
    logits: Float[Array, "B S+1 K"]
    """Logits of each token given those before it."""


def attend(reader: AttentionReader, tokens: Int[Array, "B S"], start_id: int) -> Attended:
    """Decodes the tokens that a search found, whichever it was.

    Args:
      reader: decoder for the features of a batch.
      tokens: tokens that were read; slots beyond a reading may hold any.
      start_id: class id of the token before the first.
    """
    previous = jnp.pad(tokens, ((0, 0), (1, 0)), constant_values=start_id)

    def step(state, token_inputs):
        state, attention = reader.step(state, token_inputs)
        return state, (attention, reader.logits(state.hidden))

    _, (attention, logits) = jax.lax.scan(step, reader.start(), reader.token_inputs(previous.T))
    return Attended(attention.transpose(1, 0, 2), logits.transpose(1, 0, 2))
