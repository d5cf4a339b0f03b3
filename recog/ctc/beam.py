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
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from recog.ctc.automaton import Automaton
from recog.ctc.best_path import best_path
from recog.ctc.hypotheses import Hypotheses, Moves, align, trace_back
from recog.ctc.log_space import LOG_ZERO, log_add
from recog.ctc.loss import ctc_loss
from recog.decoded import Decoded

MISSING = LOG_ZERO / 2
"""Scores at or below it belong to slots without a hypothesis."""


class _Beam(NamedTuple):
    """Hypotheses between two frames, the most probable first."""

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

    @property
    def total(self) -> Float[Array, "B W"]:
        """Score of each hypothesis."""
        return log_add(self.in_blank, self.in_token)


class Guide:
    """An automaton on the device, and the frames that hypotheses need.

    Args:
      automaton: sequences to search among.
      needed: minimum number of frames that a hypothesis still needs, by its state and last token, in each range of
        frames.
    """

    def __init__(self, automaton: Automaton, needed: Int[np.ndarray, "P N K"]):
        self.following, self.weights = jnp.asarray(automaton.following), jnp.asarray(automaton.weights)
        self.final = jnp.maximum(jnp.asarray(automaton.final), LOG_ZERO)
        self.needed = jnp.asarray(needed)


def beam_search(
    logits: Float[Array, "B T K"],
    logit_lengths: Int[Array, " B"],
    *,
    blank_id: int = 0,
    beam_width: int = 10,
    token_min_logp: float = -math.inf,
    beam_prune_logp: float = -math.inf,
    nbest: int = 1,
    automaton: Automaton | None = None,
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
      beam_prune_logp: score, relative to that of the best hypothesis, below which others are dropped.
      nbest: sequences to return, up to ``beam_width``.
      automaton: sequences to search among, and weights of their tokens.

    Raises:
      ValueError: a width or a number that is out of range, or an automaton with other classes.
    """
    frames, classes = logits.shape[1:]
    if automaton and automaton.following.shape[1] != classes:
        raise ValueError(f"the automaton has {automaton.following.shape[1]} classes, the logits have {classes}")
    scores = frame_scores(logits)
    left = logit_lengths[:, None] - 1 - jnp.arange(frames)  # after each frame
    found = search(
        scores,
        left,
        blank_id=blank_id,
        beam_width=beam_width,
        token_min_logp=token_min_logp,
        beam_prune_logp=beam_prune_logp,
        nbest=nbest,
        guide=Guide(automaton, automaton.frames_needed()[None]) if automaton else None,
    )
    at, confidences = align(scores, logit_lengths, found.tokens, found.lengths, blank_id)
    inside = jnp.arange(frames) < found.lengths[..., None]
    return Hypotheses(
        found.tokens,
        found.lengths,
        found.scores,
        jnp.where(inside, at, -1),
        jnp.where(inside, confidences, 0.0),
    )


def frame_scores(logits: Float[Array, "B T K"]) -> Float[Array, "B T K"]:
    """Log probabilities of each frame's classes, in float32 and at least `LOG_ZERO`."""
    return jnp.maximum(jax.nn.log_softmax(logits.astype(jnp.float32), axis=-1), LOG_ZERO)


def require_limits(beam_width: int, beam_prune_logp: float, nbest: int) -> None:
    """Raises ``ValueError`` if a setting of a beam is out of range."""
    if not 1 <= nbest <= beam_width:
        raise ValueError(f"nbest={nbest} and beam_width={beam_width}: choose 1 <= nbest <= beam_width")
    if not beam_prune_logp <= 0:
        raise ValueError(f"beam_prune_logp={beam_prune_logp} would drop the best hypothesis as well: choose 0 or less")


class Sequences(NamedTuple):
    """The best token sequences of a batch, best first, as in `Hypotheses`."""

    tokens: Int[Array, "B N T"]
    lengths: Int[Array, "B N"]
    scores: Float[Array, "B N"]


def search(
    scores: Float[Array, "B T K"],
    left: Int[Array, "B T"],
    *,
    blank_id: int,
    beam_width: int,
    token_min_logp: float,
    beam_prune_logp: float,
    nbest: int,
    guide: Guide | None,
    ranges: Int[np.ndarray, " T"] | None = None,
) -> Sequences:
    """Searches as `beam_search` does, from log probabilities, and without an alignment.

    Args:
      scores: log probabilities, at least `LOG_ZERO`.
      left: frames of each frame's range that are left after it; negative frames are ignored.
      blank_id: id of the blank.
      beam_width: see `beam_search`, as for the other numbers.
      token_min_logp: see `beam_search`.
      beam_prune_logp: see `beam_search`.
      nbest: see `beam_search`.
      guide: automaton to follow.
      ranges: range of each frame, if the guide has several.
    """
    require_limits(beam_width, beam_prune_logp, nbest)
    batch, frames, classes = scores.shape
    token_scores = jnp.where(scores < token_min_logp, LOG_ZERO, scores).at[..., blank_id].set(-jnp.inf)
    best = token_scores if guide else tuple(jax.lax.top_k(token_scores, min(beam_width + 1, classes - 1)))
    step = functools.partial(_step, blank_id=blank_id, prune=beam_prune_logp, guide=guide)
    by_frame = jax.tree.map(lambda x: jnp.moveaxis(x, 1, 0), (scores, best, left))
    part = jnp.zeros(frames, jnp.int32) if ranges is None else jnp.asarray(ranges)
    beam, moves = jax.lax.scan(step, _start(batch, beam_width, blank_id), (*by_frame, part))
    total = beam.total + (guide.final[beam.state] if guide else 0.0)
    total, slots = jax.lax.top_k(total, nbest)
    tokens, lengths = trace_back(slots, moves)
    found = total > MISSING
    lengths = jnp.where(found, lengths, 0)
    inside = jnp.arange(frames) < lengths[..., None]
    return Sequences(jnp.where(inside, tokens, 0), lengths, jnp.where(found, total, -jnp.inf))


class _Extensions(NamedTuple):
    """Hypotheses with one more token, ``M`` of them."""

    rows: Int[np.ndarray, " M"]
    """Slot that each extends."""
    tokens: Int[Array, "B M"]
    scores: Float[Array, "B M"]


def _start(batch: int, width: int, blank_id: int) -> _Beam:
    """A beam with the empty prefix alone."""
    first = jnp.arange(width) == 0
    nothing = jnp.full((batch, width), LOG_ZERO, jnp.float32)
    last, state = jnp.full((batch, width), blank_id, jnp.int32), jnp.zeros((batch, width), jnp.int32)
    hashes, parents = (jnp.broadcast_to(x[:, None], (2, batch, width)) for x in _dummies(width))
    return _Beam(jnp.where(first, 0.0, nothing), nothing, last, state, hashes, parents)


def _dummies(width: int) -> tuple[UInt32[np.ndarray, "2 W"], UInt32[np.ndarray, "2 W"]]:
    """Hashes of slots without a hypothesis and of their parents, which equal no others."""
    drawn = np.random.default_rng(0).integers(0, 2**32, (2, 2, width), np.uint32)
    return drawn[0], drawn[1]


def _step(beam: _Beam, frame, *, blank_id: int, prune: float, guide: Guide | None) -> tuple[_Beam, Moves]:
    scores, best, left, part = frame
    width, total = beam.last.shape[1], beam.total
    is_parent = jnp.all(beam.parents[:, :, :, None] == beam.hashes[:, :, None, :], axis=0)  # B V W
    is_parent &= (beam.last != blank_id)[:, :, None]
    stay_in_blank = total + scores[:, blank_id, None]
    begins = _begins(beam, total, is_parent, guide)
    stay_in_token = log_add(beam.in_token, begins) + jnp.take_along_axis(scores, beam.last, axis=1)
    if guide:
        in_time = (
            left[:, None] >= guide.needed[part, beam.state, blank_id],
            left[:, None] >= guide.needed[part, beam.state, beam.last],
        )
        stay_in_blank = jnp.where(in_time[0], stay_in_blank, LOG_ZERO)
        stay_in_token = jnp.where(in_time[1], stay_in_token, LOG_ZERO)
        more = _guided(beam, total, best, left, part, guide)
    else:
        more = _free(beam, total, *best)
    known = jnp.any(is_parent[:, :, more.rows] & (beam.last[:, :, None] == more.tokens[:, None, :]), axis=1)
    extended = jnp.where(known, LOG_ZERO, more.scores)
    kept, chosen = jax.lax.top_k(jnp.concatenate([log_add(stay_in_blank, stay_in_token), extended], axis=1), width)
    stays, extension = chosen < width, jnp.maximum(chosen - width, 0)
    source = jnp.where(stays, chosen, jnp.asarray(more.rows)[extension])

    def before(x: Array) -> Array:
        return jnp.take_along_axis(x, jnp.broadcast_to(source, (*x.shape[:-2], *source.shape)), axis=-1)

    token = jnp.take_along_axis(more.tokens, extension, axis=1)
    empty = (kept <= MISSING) | (kept < kept[:, :1] + prune)
    dummy, dummy_parents = (jnp.asarray(x)[:, None] for x in _dummies(width))
    hashes, state = before(beam.hashes), before(beam.state)
    following = guide.following[state, token] if guide else state
    after = _Beam(
        in_blank=jnp.where(empty | ~stays, LOG_ZERO, before(stay_in_blank)),
        in_token=jnp.where(empty, LOG_ZERO, jnp.where(stays, before(stay_in_token), kept)),
        last=jnp.where(empty, blank_id, jnp.where(stays, before(beam.last), token)),
        state=jnp.where(empty, 0, jnp.where(stays, state, following)),
        hashes=jnp.where(empty, dummy, jnp.where(stays, hashes, _hash(hashes, token))),
        parents=jnp.where(empty, dummy_parents, jnp.where(stays, before(beam.parents), hashes)),
    )
    live = left[:, None] >= 0
    beam = jax.tree.map(lambda new, old: jnp.where(live, new, old), after, beam)
    return beam, Moves(jnp.where(live, source, jnp.arange(width)), jnp.where(live & ~stays, token, -1))


def _begins(beam: _Beam, total, is_parent: Bool[Array, "B V W"], guide: Guide | None) -> Float[Array, "B V"]:
    """Scores with which hypotheses are made anew, by appending their last token to the one without it."""
    after_blank = beam.last[:, :, None] == beam.last[:, None, :]  # a repeated token needs a blank before it
    begins = jnp.where(after_blank, beam.in_blank[:, None, :], total[:, None, :])
    if guide:
        begins += guide.weights[beam.state[:, None, :], beam.last[:, :, None]]
    return jnp.max(jnp.where(is_parent, begins, LOG_ZERO), axis=2)


def _free(beam: _Beam, total, token_scores: Float[Array, "B k"], tokens: Int[Array, "B k"]) -> _Extensions:
    """Extensions among which the best ``W`` are.

    Slots and tokens are sorted by probability, so the extension of slot ``i`` by the token of rank ``j`` is beaten by
    all of smaller slots and ranks but those that repeat a last token: at least ``(i + 1) j``.
    """
    rows, ranks = np.mgrid[: beam.last.shape[1], : tokens.shape[1]]
    kept = (rows + 1) * ranks <= beam.last.shape[1]
    rows, ranks = rows[kept], ranks[kept]
    repeats = tokens[:, ranks] == beam.last[:, rows]
    begins = jnp.where(repeats, beam.in_blank[:, rows], total[:, rows])
    return _Extensions(rows, tokens[:, ranks], begins + token_scores[:, ranks])


def _guided(
    beam: _Beam, total, token_scores: Float[Array, "B K"], left: Int[Array, " B"], part: Int[Array, ""], guide: Guide
) -> _Extensions:
    """Extensions by all tokens that the automaton allows and after which it can end in the frames that are left."""
    width, (batch, classes) = beam.last.shape[1], token_scores.shape
    tokens = jnp.arange(classes)
    following = guide.following[beam.state]  # B W K
    in_time = (following >= 0) & (guide.needed[part, following, tokens] <= left[:, None, None])
    begins = jnp.where(beam.last[..., None] == tokens, beam.in_blank[..., None], total[..., None])
    scores = jnp.where(in_time, begins + token_scores[:, None, :] + guide.weights[beam.state], LOG_ZERO)
    return _Extensions(
        np.repeat(np.arange(width), classes),
        jnp.broadcast_to(jnp.tile(tokens, width), (batch, width * classes)),
        jnp.maximum(scores, LOG_ZERO).reshape(batch, -1),
    )


def _hash(hashes: UInt32[Array, "2 B W"], token: Int[Array, "B W"]) -> UInt32[Array, "2 B W"]:
    """Hashes of prefixes with one more token; the mixer is lowbias32 (C. Wellons, 2018)."""
    factors = jnp.array([0x9E3779B1, 0x85EBCA77], jnp.uint32)[:, None, None]
    mixed = hashes + (token.astype(jnp.uint32) + 1) * factors
    mixed = (mixed ^ (mixed >> 16)) * jnp.uint32(0x7FEB352D)
    mixed = (mixed ^ (mixed >> 15)) * jnp.uint32(0x846CA68B)
    return mixed ^ (mixed >> 16)


@dataclasses.dataclass(frozen=True, eq=False)
class BeamSearch:
    """The decoder (`recog.ctc.decoder.Decoder`) that takes the best sequence of a beam search.

    Without an automaton, the best path's sequence is taken instead where it is more probable, which a narrow beam can
    miss. The confidence of a sequence is its probability, summed over all its alignments; it is 0, and the sequence
    empty, where the automaton accepts none in the frames there are. For the settings see `beam_search`.
    """

    blank_id: int = 0
    beam_width: int = 10
    token_min_logp: float = -math.inf
    beam_prune_logp: float = -math.inf
    automaton: Automaton | None = None
    on_host: ClassVar[bool] = False

    def __call__(self, logits: Float[Array, "B T K"], lengths: Int[Array, " B"]) -> Decoded:
        """Decodes a batch; see `recog.ctc.decoder.Decoder`."""
        found = beam_search(
            logits,
            lengths,
            blank_id=self.blank_id,
            beam_width=self.beam_width,
            token_min_logp=self.token_min_logp,
            beam_prune_logp=self.beam_prune_logp,
            automaton=self.automaton,
        )
        first = Decoded(
            *(x[:, 0] for x in (found.tokens, found.lengths, found.confidences, found.frames, found.scores))
        )
        first = self._with_probability(logits, lengths, first, jnp.isfinite(found.scores[:, 0]))
        if self.automaton:
            return first
        path = self._with_probability(logits, lengths, best_path(logits, lengths, blank_id=self.blank_id), True)
        worse = first.confidence < path.confidence
        return jax.tree.map(lambda x, y: jnp.where(worse.reshape(-1, *[1] * (x.ndim - 1)), x, y), path, first)

    def _with_probability(self, logits, lengths, decoded: Decoded, exists) -> Decoded:
        losses = ctc_loss(logits, lengths, decoded.tokens, decoded.lengths, blank_id=self.blank_id)
        return decoded._replace(confidence=jnp.where(exists, jnp.exp(-losses), 0.0))
