"""Sequences found by a beam search, and their alignment with the frames."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.ctc import lattice
from recog.ctc.lattice import Lattice

SHARE = 4
"""Batches whose sequences use at most ``1 / SHARE`` of the slots are aligned in a lattice without the others."""


class Hypotheses(NamedTuple):
    """The best token sequences of a batch, best first.

    Slots at and beyond ``lengths`` hold zeros (``-1`` in ``frames``).
    """

    tokens: Int[Array, "B N S"]
    """Token ids, packed to the left."""
    lengths: Int[Array, "B N"]
    """Number of tokens of each sequence."""
    scores: Float[Array, "B N"]
    """Log probability of each sequence, over the alignments that the beam kept, plus the weights of its automaton;
    ``-inf`` without a sequence."""
    frames: Int[Array, "B N S"]
    """Frame that emits each token with the highest probability, given the sequence."""
    confidences: Float[Array, "B N S"]
    """Probability of each token in that frame, 0 to 1."""
    log_likelihoods: Float[Array, "B N"]
    """Log probability of each sequence over all its alignments, without weights; ``-inf`` without a sequence."""


class Alignment(NamedTuple):
    """Sequences in the frames of their samples."""

    frames: Int[Array, "B N S"]
    """Frame of each token, the one with its highest occupancy."""
    confidences: Float[Array, "B N S"]
    """Probability of each token in that frame."""
    log_likelihoods: Float[Array, "B N"]
    """Log probability of each sequence."""


class Moves(NamedTuple):
    """Changes of a beam in a frame."""

    source: Int[Array, "B W"]
    """Slot of the hypothesis from which each one was made."""
    token: Int[Array, "B W"]
    """Token that was appended; -1 without one."""


def trace_back(slots: Int[Array, "B N"], moves: Moves) -> tuple[Int[Array, "B N T"], Int[Array, "B N"]]:
    """Collects tokens from the last frame to the first; returns them, packed to the left, and their numbers.

    Args:
      slots: slots of the beam after the last frame.
      moves: arrays ``T B W``.
    """
    frames, batch, _ = moves.token.shape

    def back(slots: Int[Array, "B N"], frame: Moves):
        token = jnp.take_along_axis(frame.token, slots, axis=1)
        return jnp.take_along_axis(frame.source, slots, axis=1), token

    _, tokens = jax.lax.scan(back, slots, moves, reverse=True)
    tokens = jnp.moveaxis(tokens, 0, -1)  # B N T
    slot = jnp.where(tokens >= 0, jnp.cumsum(tokens >= 0, axis=-1) - 1, frames)  # others to a slot past the end
    place = jnp.arange(batch)[:, None, None], jnp.arange(slots.shape[1])[:, None], slot
    packed = jnp.zeros((*slots.shape, frames + 1), jnp.int32).at[place].set(tokens)
    return packed[..., :frames], jnp.sum(tokens >= 0, axis=-1, dtype=jnp.int32)


def align(
    scores: Float[Array, "B T K"],
    logit_lengths: Int[Array, " B"],
    tokens: Int[Array, "B N S"],
    lengths: Int[Array, "B N"],
    blank_id: int,
) -> Alignment:
    """Aligns sequences with frames; slots at and beyond ``lengths`` are undefined.

    Args:
      scores: log probabilities.
      logit_lengths: frames of each sample.
      tokens: sequences.
      lengths: tokens of each sequence.
      blank_id: id of the blank.
    """
    slots = tokens.shape[-1]
    few = -(-slots // SHARE)

    def within(used: int) -> Alignment:
        found = _align(scores, logit_lengths, tokens[..., :used], lengths, blank_id)
        unused = [(0, 0), (0, 0), (0, slots - used)]
        return found._replace(frames=jnp.pad(found.frames, unused), confidences=jnp.pad(found.confidences, unused))

    return jax.lax.cond(jnp.max(lengths, initial=0) <= few, lambda: within(few), lambda: within(slots))


def _align(scores, logit_lengths, tokens, lengths, blank_id: int) -> Alignment:
    """Aligns sequences, with a lattice of as many tokens as there are slots."""
    live = jnp.arange(scores.shape[1]) < logit_lengths[:, None]
    blank = jnp.where(live, scores[..., blank_id], 0.0)

    def one_of_each(tokens: Int[Array, "B S"], lengths: Int[Array, " B"]):
        emitted = jnp.take_along_axis(scores, tokens[:, None, :], axis=2)  # B T S
        can_skip = jnp.pad(tokens[:, 1:] != tokens[:, :-1], ((0, 0), (1, 0)))
        given = jnp.where(live[..., None], emitted, 0.0)
        found = lattice.posterior(Lattice(given, blank, logit_lengths, can_skip, lengths))
        at = jnp.argmax(jnp.where(live[..., None], found.occupancy, -1.0), axis=1).astype(jnp.int32)
        confidences = jnp.exp(jnp.take_along_axis(emitted, at[:, None, :], axis=1)[:, 0])
        return Alignment(at, confidences, found.log_likelihood)

    return jax.vmap(one_of_each, in_axes=1, out_axes=1)(tokens, lengths)
