"""One frame of a prefix beam search, for all hypotheses of a batch at once."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from recog.ctc.guide import Guide
from recog.ctc.log_space import LOG_ZERO, log_add

MISSING = LOG_ZERO / 2
"""Scores at or below it belong to slots without a hypothesis."""


class Beam(NamedTuple):
    """Hypotheses between two frames, the most probable first."""

    total: Float[Array, "B W"]
    """Log probability of each hypothesis' alignments, with the weights of the automaton."""
    in_blank: Float[Array, "B W"]
    """Log probability of the alignments that end in a blank."""
    in_token: Float[Array, "B W"]
    """Log probability of the alignments that end in the last token."""
    last: Int[Array, "B W"]
    """Last token; the blank for the empty prefix."""
    state: Int[Array, "B W"]
    """State of the automaton after the prefix; 0 without one."""
    hashes: UInt32[Array, "2 B W"]
    """Two hashes of the prefix."""
    parents: UInt32[Array, "2 B W"]
    """Hashes of the prefix without its last token."""


class Frame(NamedTuple):
    """Inputs of a step; of all steps ``T B ...``."""

    scores: Float[Array, "B K"]
    """Log probabilities; after the last frame of a sample that of the blank is 0 and others are `LOG_ZERO`."""
    best: Float[Array, "B k"]
    """Log probabilities of tokens that may extend a hypothesis: the best ones, or with an automaton all."""
    tokens: Int[Array, "B k"]
    """Tokens of these."""
    left: Int[Array, " B"]
    """Number of frames of the same range after this one."""
    part: Int[Array, ""]
    """Number of its range."""


def frame_inputs(scores, left, ranges, blank_id: int, width: int, token_min_logp: float, guide: Guide | None) -> Frame:
    """Inputs of all steps. A frame of nothing but blanks leaves a beam as it is."""
    classes = scores.shape[2]
    scores = jnp.where((left >= 0)[..., None], scores, jnp.where(jnp.arange(classes) == blank_id, 0.0, LOG_ZERO))
    best = jnp.where(scores < token_min_logp, LOG_ZERO, scores).at[..., blank_id].set(-jnp.inf)
    if guide:
        tokens = jnp.broadcast_to(jnp.arange(classes), best.shape)
    else:
        best, tokens = jax.lax.top_k(best, max(min(width + 1, classes - 1), 1))
    scores, best, tokens, left = (jnp.moveaxis(x, 1, 0) for x in (scores, best, tokens, jnp.maximum(left, 0)))
    return Frame(scores, best, tokens, left, ranges)


def start(batch: int, width: int, blank_id: int) -> Beam:
    """A beam with the empty prefix alone."""
    nothing = jnp.full((batch, width), LOG_ZERO, jnp.float32)
    empty = jnp.where(jnp.arange(width) == 0, 0.0, nothing)
    last, state = jnp.full((batch, width), blank_id, jnp.int32), jnp.zeros((batch, width), jnp.int32)
    hashes, parents = (jnp.broadcast_to(x[:, None], (2, batch, width)) for x in _dummies(width))
    return Beam(empty, empty, nothing, last, state, hashes, parents)


def _dummies(width: int) -> tuple[UInt32[np.ndarray, "2 W"], UInt32[np.ndarray, "2 W"]]:
    """Hashes of slots without a hypothesis and of their parents, which equal no others."""
    drawn = np.random.default_rng(0).integers(0, 2**32, (2, 2, width), np.uint32)
    return drawn[0], drawn[1]


def advance(beam: Beam, frame: Frame, *, blank_id: int, prune: float, guide: Guide | None):
    """The beam after a frame, and for each slot ``(token + 1) W + source``, -1 for no token."""
    width = beam.last.shape[1]
    parent = _parents(beam, blank_id)
    stay_in_blank, stay_in_token = _stays(beam, parent, frame, blank_id, guide)
    rows, columns = _pairs(width, frame.tokens.shape[1], complete=guide is not None)
    more = _extensions(beam, frame, rows, columns, guide)
    extended = jnp.where(_known(beam, parent, frame.tokens, rows, columns, guide is not None), LOG_ZERO, more)
    candidates = jnp.concatenate([log_add(stay_in_blank, stay_in_token), extended], axis=1)
    # Without the barrier XLA merges slices of the result into the selection, which then becomes a sort of all.
    kept, chosen = jax.lax.optimization_barrier(tuple(jax.lax.top_k(candidates, width)))
    stays = chosen < width
    source = jnp.asarray(np.concatenate([np.arange(width), rows]).astype(np.int32))[chosen]
    column = jnp.asarray(np.concatenate([np.zeros(width), columns]).astype(np.int32))[chosen]
    token = jnp.take_along_axis(frame.tokens, column, axis=1)

    def before(x: Array) -> Array:
        return jnp.take_along_axis(x, jnp.broadcast_to(source, (*x.shape[:-2], *source.shape)), axis=-1)

    empty = kept <= MISSING
    if prune > -math.inf:
        empty |= kept < kept[:, :1] + prune
    dummy, dummy_parents = (jnp.asarray(x)[:, None] for x in _dummies(width))
    hashes = before(beam.hashes)
    state = beam.state
    if guide:
        state = jnp.where(stays, before(state), guide.following[before(state), token])
        state = jnp.where(empty, 0, state)
    after = Beam(
        total=jnp.where(empty, LOG_ZERO, kept),
        in_blank=jnp.where(empty | ~stays, LOG_ZERO, before(stay_in_blank)),
        in_token=jnp.where(empty, LOG_ZERO, jnp.where(stays, before(stay_in_token), kept)),
        last=jnp.where(empty, blank_id, jnp.where(stays, before(beam.last), token)),
        state=state,
        hashes=jnp.where(empty, dummy, jnp.where(stays, hashes, _hash(hashes, token))),
        parents=jnp.where(empty, dummy_parents, jnp.where(stays, before(beam.parents), hashes)),
    )
    return after, jnp.where(stays, source, (token + 1) * width + source)


def _parents(beam: Beam, blank_id: int) -> Int[Array, "B V"]:
    """Slot of each hypothesis' prefix without its last token; -1 where the beam has none."""
    same = (beam.hashes[0, :, :, None] == beam.parents[0, :, None]) & (
        beam.hashes[1, :, :, None] == beam.parents[1, :, None]
    )  # B W V
    slots = jnp.arange(beam.last.shape[1], dtype=jnp.int32)[:, None]
    parent = jnp.max(jnp.where(same, slots, -1), axis=1)
    return jnp.where(beam.last == blank_id, -1, parent)


def _stays(beam: Beam, parent, frame: Frame, blank_id: int, guide: Guide | None):
    """Log probabilities of hypotheses without a new one, by alignments that end in a blank and in the last token.

    A hypothesis also arises anew, by appending its last token to its parent.
    """
    slot = jnp.maximum(parent, 0)
    in_blank, total, last, state = (
        jnp.take_along_axis(x, slot, axis=1) for x in (beam.in_blank, beam.total, beam.last, beam.state)
    )
    begins = jnp.where(last == beam.last, in_blank, total)  # a repeated token needs a blank before it
    if guide:
        begins += guide.weights[state, beam.last]
    begins = jnp.where(parent < 0, LOG_ZERO, begins)
    stay_in_blank = beam.total + frame.scores[:, blank_id, None]
    stay_in_token = log_add(beam.in_token, begins) + jnp.take_along_axis(frame.scores, beam.last, axis=1)
    if guide:
        left = frame.left[:, None]
        stay_in_blank = jnp.where(guide.needed[frame.part, beam.state, blank_id] <= left, stay_in_blank, LOG_ZERO)
        stay_in_token = jnp.where(guide.needed[frame.part, beam.state, beam.last] <= left, stay_in_token, LOG_ZERO)
    return stay_in_blank, stay_in_token


def _pairs(width: int, count: int, complete: bool) -> tuple[Int[np.ndarray, " M"], Int[np.ndarray, " M"]]:
    """Slots and columns of the extensions that may be among the best ``W``: all, or those sorted by probability.

    If slots and tokens are sorted, the extension of slot ``i`` by the token of rank ``j`` is beaten by all of smaller
    slots and ranks but those that repeat a last token: at least ``(i + 1) j``.
    """
    rows, columns = np.mgrid[:width, :count]
    kept = np.full(rows.shape, True) if complete else (rows + 1) * columns <= width
    return rows[kept], columns[kept]


def _extensions(beam: Beam, frame: Frame, rows, columns, guide: Guide | None) -> Float[Array, "B M"]:
    """Log probabilities of hypotheses with one more token.

    With an automaton only of tokens that it allows, and after which it can end in the frames that are left.
    """
    repeats = frame.tokens[:, columns] == beam.last[:, rows]
    begins = jnp.where(repeats, beam.in_blank[:, rows], beam.total[:, rows])
    scores = begins + frame.best[:, columns]
    if guide is None:
        return scores
    shape = scores.shape
    in_time = guide.after[frame.part, beam.state].reshape(shape) <= frame.left[:, None]
    scores += guide.weights[beam.state].reshape(shape)
    return jnp.maximum(jnp.where(in_time, scores, LOG_ZERO), LOG_ZERO)


def _known(beam: Beam, parent, tokens: Int[Array, "B k"], rows, columns, complete: bool) -> Bool[Array, "B M"]:
    """Whether each extension is a hypothesis of the beam already.

    Sets of tokens are words of 32 bits, one for each column.
    """
    count = tokens.shape[1]
    if complete:
        column = beam.last
    else:
        same = tokens[:, :, None] == beam.last[:, None, :]
        column = jnp.max(jnp.where(same, jnp.arange(count, dtype=jnp.int32)[:, None], -1), axis=1)
    word, bit = column // 32, jnp.left_shift(jnp.uint32(1), (column % 32).astype(jnp.uint32))  # B V
    child = parent[:, :, None] == jnp.arange(beam.last.shape[1], dtype=jnp.int32)  # B V W
    words = jnp.stack(
        [
            jnp.sum(jnp.where(child & (word == number)[:, :, None], bit[:, :, None], 0), axis=1, dtype=jnp.uint32)
            for number in range(-(-count // 32))
        ]
    )  # n B W
    return (words[columns // 32, :, rows].T >> jnp.asarray((columns % 32).astype(np.uint32))) & 1 > 0


def _hash(hashes: UInt32[Array, "2 B W"], token: Int[Array, "B W"]) -> UInt32[Array, "2 B W"]:
    """Hashes of prefixes with one more token; the mixer is lowbias32 (C. Wellons, 2018)."""
    factors = jnp.array([0x9E3779B1, 0x85EBCA77], jnp.uint32)[:, None, None]
    mixed = hashes + (token.astype(jnp.uint32) + 1) * factors
    mixed = (mixed ^ (mixed >> 16)) * jnp.uint32(0x7FEB352D)
    mixed = (mixed ^ (mixed >> 15)) * jnp.uint32(0x846CA68B)
    return mixed ^ (mixed >> 16)
