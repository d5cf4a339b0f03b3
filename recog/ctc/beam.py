"""Prefix beam search over CTC logits: the most probable token sequences, summed over their alignments.

The beam is dense, so that the search runs on any device: each sample keeps ``W`` hypotheses with the log probabilities
of their alignments that end in a blank and of those that end in the last token (Graves, Supervised Sequence Labelling,
2012, section 7.5). A hypothesis that one more token turns into another one of the beam is found by comparing hashes of
64 bits, ``W`` by ``W``: there is no dictionary. Two different prefixes of a beam share a hash with a probability of
about ``T W² / 2⁶⁴``.
"""

import dataclasses
import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from recog.ctc import lattice
from recog.ctc.best_path import best_path
from recog.ctc.lattice import Lattice
from recog.ctc.log_space import LOG_ZERO, log_add
from recog.ctc.loss import ctc_loss
from recog.decoded import Decoded

MISSING = LOG_ZERO / 2
"""Log probabilities at or below it belong to slots without a hypothesis."""


class Hypotheses(NamedTuple):
    """The best token sequences of a batch, best first.

    Slots at and beyond ``lengths`` hold zeros (``-1`` in ``frames``).
    """

    tokens: Int[Array, "B N S"]
    """Token ids, packed to the left."""
    lengths: Int[Array, "B N"]
    """Number of tokens of each sequence."""
    log_probabilities: Float[Array, "B N"]
    """Log probability of each sequence, over the alignments that the beam kept; ``-inf`` without a sequence."""
    frames: Int[Array, "B N S"]
    """Frame that emits each token with the highest probability, given the sequence."""
    confidences: Float[Array, "B N S"]
    """Probability of each token in that frame, 0 to 1."""


class _Beam(NamedTuple):
    """Hypotheses between two frames, the most probable first."""

    in_blank: Float[Array, "B W"]
    """Log probability of the alignments that end in a blank."""
    in_token: Float[Array, "B W"]
    """Log probability of the alignments that end in the last token."""
    last: Int[Array, "B W"]
    """Last token; the blank for the empty prefix."""
    hashes: UInt32[Array, "2 B W"]
    """Two hashes of the prefix."""
    parents: UInt32[Array, "2 B W"]
    """Hashes of the prefix without its last token."""

    @property
    def total(self) -> Float[Array, "B W"]:
        """Log probability of each hypothesis."""
        return log_add(self.in_blank, self.in_token)


def beam_search(
    logits: Float[Array, "B T K"],
    logit_lengths: Int[Array, " B"],
    *,
    blank_id: int = 0,
    beam_width: int = 10,
    token_min_logp: float = -jnp.inf,
    beam_prune_logp: float = -jnp.inf,
    nbest: int = 1,
) -> Hypotheses:
    """Searches for the most probable sequences of each sample.

    Exact if the beam is wide enough for all prefixes; otherwise hypotheses that leave the beam are lost, as in any beam
    search.

    Args:
      logits: unnormalised scores; computed in float32.
      logit_lengths: frames of each sample; later frames are ignored.
      blank_id: id of the blank.
      beam_width: hypotheses to keep after each frame.
      token_min_logp: log probability that a token needs in a frame to extend a hypothesis.
      beam_prune_logp: log probability, relative to that of the best hypothesis, below which others are dropped.
      nbest: sequences to return, up to ``beam_width``.

    Raises:
      ValueError: a width or a number that is out of range.
    """
    batch, frames, classes = logits.shape
    if not 1 <= nbest <= beam_width:
        raise ValueError(f"nbest={nbest} and beam_width={beam_width}: choose 1 <= nbest <= beam_width")
    scores = jnp.maximum(jax.nn.log_softmax(logits.astype(jnp.float32), axis=-1), LOG_ZERO)
    blanks = jnp.arange(classes) == blank_id
    token_scores, tokens = jax.lax.top_k(jnp.where(blanks, -jnp.inf, scores), min(beam_width + 1, classes - 1))
    token_scores = jnp.where(token_scores < token_min_logp, LOG_ZERO, token_scores)
    live = jnp.arange(frames) < logit_lengths[:, None]
    step = functools.partial(_step, blank_id=blank_id, prune=beam_prune_logp)
    by_frame = jax.tree.map(lambda x: jnp.moveaxis(x, 1, 0), (scores, tokens, token_scores, live))
    beam, moves = jax.lax.scan(step, _start(batch, beam_width, blank_id), by_frame)
    tokens, lengths = _trace_back(nbest, moves)
    log_probabilities = beam.total[:, :nbest]
    found = log_probabilities > MISSING
    lengths = jnp.where(found, lengths, 0)
    at, confidences = _aligned(scores, logit_lengths, tokens, lengths, blank_id)
    inside = jnp.arange(frames) < lengths[..., None]
    return Hypotheses(
        jnp.where(inside, tokens, 0),
        lengths,
        jnp.where(found, log_probabilities, -jnp.inf),
        jnp.where(inside, at, -1),
        jnp.where(inside, confidences, 0.0),
    )


class _Moves(NamedTuple):
    """Changes of the beam in a frame."""

    source: Int[Array, "B W"]
    """Slot of the hypothesis from which each one was made."""
    token: Int[Array, "B W"]
    """Token that was appended; -1 without one."""


def _start(batch: int, width: int, blank_id: int) -> _Beam:
    """A beam with the empty prefix alone."""
    first = jnp.arange(width) == 0
    nothing = jnp.full((batch, width), LOG_ZERO, jnp.float32)
    hashes, parents = (jnp.broadcast_to(x[:, None], (2, batch, width)) for x in _dummies(width))
    return _Beam(
        jnp.where(first, 0.0, nothing), nothing, jnp.full((batch, width), blank_id, jnp.int32), hashes, parents
    )


def _dummies(width: int) -> tuple[UInt32[np.ndarray, "2 W"], UInt32[np.ndarray, "2 W"]]:
    """Hashes of slots without a hypothesis and of their parents, which equal no others."""
    drawn = np.random.default_rng(0).integers(0, 2**32, (2, 2, width), np.uint32)
    return drawn[0], drawn[1]


def _step(beam: _Beam, frame, *, blank_id: int, prune: float) -> tuple[_Beam, _Moves]:
    scores, tokens, token_scores, live = frame
    width = beam.last.shape[1]
    total = beam.total
    is_parent = jnp.all(beam.parents[:, :, :, None] == beam.hashes[:, :, None, :], axis=0)  # B V W
    is_parent &= (beam.last != blank_id)[:, :, None]
    stay_in_blank = total + scores[:, blank_id, None]
    stay_in_token = _stay_in_token(beam, total, is_parent, jnp.take_along_axis(scores, beam.last, axis=1))
    rows, ranks = _pairs(width, tokens.shape[1])
    extended = _extended(beam, total, rows, ranks, tokens, token_scores)
    known = jnp.any(is_parent[:, :, rows] & (beam.last[:, :, None] == tokens[:, None, ranks]), axis=1)
    candidates = jnp.concatenate([log_add(stay_in_blank, stay_in_token), jnp.where(known, LOG_ZERO, extended)], axis=1)
    best, chosen = jax.lax.top_k(candidates, width)
    stays = chosen < width
    source = jnp.where(stays, chosen, jnp.asarray(rows)[jnp.maximum(chosen - width, 0)])
    rank = jnp.asarray(ranks)[jnp.maximum(chosen - width, 0)]

    def at(x: Array, index: Int[Array, "B W"]) -> Array:
        return jnp.take_along_axis(x, index, axis=-1)

    token = at(tokens, rank)
    hashes = jnp.take_along_axis(beam.hashes, source[None], axis=2)
    parents = jnp.take_along_axis(beam.parents, source[None], axis=2)
    empty = (best <= MISSING) | (best < best[:, :1] + prune)
    dummy, dummy_parents = (jnp.asarray(x)[:, None] for x in _dummies(width))
    following = _Beam(
        in_blank=jnp.where(empty | ~stays, LOG_ZERO, at(stay_in_blank, source)),
        in_token=jnp.where(empty, LOG_ZERO, jnp.where(stays, at(stay_in_token, source), best)),
        last=jnp.where(empty, blank_id, jnp.where(stays, at(beam.last, source), token)),
        hashes=jnp.where(empty, dummy, jnp.where(stays, hashes, _hash(hashes, token))),
        parents=jnp.where(empty, dummy_parents, jnp.where(stays, parents, hashes)),
    )
    beam = jax.tree.map(lambda new, old: jnp.where(live[:, None], new, old), following, beam)
    moves = _Moves(jnp.where(live[:, None], source, jnp.arange(width)), jnp.where(live[:, None] & ~stays, token, -1))
    return beam, moves


def _stay_in_token(beam: _Beam, total, is_parent: Bool[Array, "B V W"], last_scores) -> Float[Array, "B W"]:
    """Log probabilities of hypotheses that repeat their last token, or append it to their prefix."""
    after_blank = beam.last[:, :, None] == beam.last[:, None, :]  # a repeated token needs a blank before it
    begins = jnp.where(after_blank, beam.in_blank[:, None, :], total[:, None, :])
    begins = jnp.max(jnp.where(is_parent, begins, LOG_ZERO), axis=2)
    return log_add(beam.in_token, begins) + last_scores


def _pairs(width: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Slots and ranks of tokens among which the best ``width`` extensions are.

    Both are sorted by probability, so the extension of slot ``i`` by the token of rank ``j`` is beaten by all of
    smaller slots and ranks but those that repeat a last token: at least ``(i + 1) j``.
    """
    rows, ranks = np.mgrid[:width, :count]
    kept = (rows + 1) * ranks <= width
    return rows[kept], ranks[kept]


def _extended(beam: _Beam, total, rows, ranks, tokens, token_scores) -> Float[Array, "B M"]:
    """Log probabilities of the extensions."""
    repeats = tokens[:, ranks] == beam.last[:, rows]
    return jnp.where(repeats, beam.in_blank[:, rows], total[:, rows]) + token_scores[:, ranks]


def _hash(hashes: UInt32[Array, "2 B W"], token: Int[Array, "B W"]) -> UInt32[Array, "2 B W"]:
    """Hashes of prefixes with one more token; the mixer is lowbias32 (C. Wellons, 2018)."""
    factors = jnp.array([0x9E3779B1, 0x85EBCA77], jnp.uint32)[:, None, None]
    mixed = hashes + (token.astype(jnp.uint32) + 1) * factors
    mixed = (mixed ^ (mixed >> 16)) * jnp.uint32(0x7FEB352D)
    mixed = (mixed ^ (mixed >> 15)) * jnp.uint32(0x846CA68B)
    return mixed ^ (mixed >> 16)


def _trace_back(count: int, moves: _Moves) -> tuple[Int[Array, "B N S"], Int[Array, "B N"]]:
    """Collects the tokens of the first slots from the last frame to the first; returns them and their numbers."""
    frames, batch, _ = moves.token.shape

    def back(slots: Int[Array, "B N"], frame: _Moves):
        token = jnp.take_along_axis(frame.token, slots, axis=1)
        return jnp.take_along_axis(frame.source, slots, axis=1), token

    last = jnp.broadcast_to(jnp.arange(count), (batch, count))
    _, tokens = jax.lax.scan(back, last, moves, reverse=True)
    tokens = jnp.moveaxis(tokens, 0, -1)  # B N T
    slot = jnp.where(tokens >= 0, jnp.cumsum(tokens >= 0, axis=-1) - 1, frames)  # others to a slot past the end
    place = jnp.arange(batch)[:, None, None], jnp.arange(count)[:, None], slot
    packed = jnp.zeros((batch, count, frames + 1), jnp.int32).at[place].set(tokens)
    return packed[..., :frames], jnp.sum(tokens >= 0, axis=-1, dtype=jnp.int32)


def _aligned(scores, logit_lengths, tokens: Int[Array, "B N S"], lengths: Int[Array, "B N"], blank_id: int):
    """Frame of each token, the one with its highest occupancy, and the probability of the token there."""
    live = jnp.arange(scores.shape[1]) < logit_lengths[:, None]
    blank = jnp.where(live, scores[..., blank_id], 0.0)

    def align(tokens: Int[Array, "B S"], lengths: Int[Array, " B"]):
        emitted = jnp.take_along_axis(scores, tokens[:, None, :], axis=2)  # B T S
        can_skip = jnp.pad(tokens[:, 1:] != tokens[:, :-1], ((0, 0), (1, 0)))
        given = jnp.where(live[..., None], emitted, 0.0)
        occupancy = lattice.posterior(Lattice(given, blank, logit_lengths, can_skip, lengths)).occupancy
        at = jnp.argmax(jnp.where(live[..., None], occupancy, -1.0), axis=1).astype(jnp.int32)
        return at, jnp.exp(jnp.take_along_axis(emitted, at[:, None, :], axis=1)[:, 0])

    return jax.vmap(align, in_axes=1, out_axes=1)(tokens, lengths)


@dataclasses.dataclass(frozen=True)
class BeamSearch:
    """The decoder (`recog.ctc.decoder.Decoder`) that takes the first sequence of a beam search.

    The best path's sequence is taken instead where it is more probable, which a narrow beam can miss. The confidence of
    a sequence is its probability, summed over all its alignments; for the other settings see `beam_search`.
    """

    blank_id: int = 0
    beam_width: int = 10
    token_min_logp: float = -math.inf
    beam_prune_logp: float = -math.inf

    def __call__(self, logits: Float[Array, "B T K"], lengths: Int[Array, " B"]) -> Decoded:
        """Decodes a batch; see `recog.ctc.decoder.Decoder`."""
        path = best_path(logits, lengths, blank_id=self.blank_id)
        found = beam_search(
            logits,
            lengths,
            blank_id=self.blank_id,
            beam_width=self.beam_width,
            token_min_logp=self.token_min_logp,
            beam_prune_logp=self.beam_prune_logp,
        )
        first = Decoded(
            *(x[:, 0] for x in (found.tokens, found.lengths, found.confidences, found.frames, found.lengths))
        )
        path, first = (self._with_probability(logits, lengths, decoded) for decoded in (path, first))
        worse = first.confidence < path.confidence
        return jax.tree.map(lambda x, y: jnp.where(worse.reshape(-1, *[1] * (x.ndim - 1)), x, y), path, first)

    def _with_probability(self, logits, lengths, decoded: Decoded) -> Decoded:
        losses = ctc_loss(logits, lengths, decoded.tokens, decoded.lengths, blank_id=self.blank_id)
        return decoded._replace(confidence=jnp.exp(-losses))
