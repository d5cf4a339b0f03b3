"""Prefix beam search over CTC logits: the most probable token sequences, summed over their alignments.

The beam is dense, so that the search runs on any device: each sample keeps ``W`` hypotheses with the log probabilities
of their alignments that end in a blank and of those that end in the last token (Graves, Supervised Sequence Labelling,
2012, section 7.5). A hypothesis that one more token turns into another one of the beam is found by comparing hashes of
64 bits, ``W`` by ``W``: there is no dictionary. Two different prefixes of a beam share a hash with a probability of
about ``T W² / 2⁶⁴``.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from recog.ctc.automaton import Automaton
from recog.ctc.beam_step import MISSING, advance, frame_inputs, start
from recog.ctc.decoder import BEAM_WIDTH
from recog.ctc.guide import Guide, guide_through
from recog.ctc.hypotheses import Hypotheses, Moves, align, trace_back
from recog.ctc.log_space import LOG_ZERO

WIDEST = 1000
"""Maximum width of a beam, whose memory grows with its square."""


def beam_search(
    logits: Float[Array, "B T K"],
    logit_lengths: Int[Array, " B"],
    *,
    blank_id: int = 0,
    beam_width: int = BEAM_WIDTH,
    token_min_logp: float = -math.inf,
    beam_prune_logp: float = -math.inf,
    nbest: int = 1,
    automaton: Automaton | None = None,
) -> Hypotheses:
    """Searches for the most probable sequences of each sample.

    Exact if the beam is wide enough for all prefixes; otherwise hypotheses that leave the beam are lost, as in any beam
    search. A sample with a frame whose logits are NaN or infinite has no sequences, and NaN as its first score.

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
      TooFewFramesError: no text that the automaton accepts fits ``T`` frames.
      ValueError: a number that is out of range, no frames, or an automaton with other classes or without a text.
    """
    frames, classes = logits.shape[1:]
    if not frames:
        raise ValueError(f"logits of shape {logits.shape} have no frames: read wider pictures")
    if not 0 <= blank_id < classes:
        raise ValueError(f"blank_id={blank_id} is outside the {classes} classes: choose 0 to {classes - 1}")
    logit_lengths = jnp.clip(logit_lengths, 0, frames)
    scores, sound = frame_scores(logits)
    found = search(
        scores,
        logit_lengths[:, None] - 1 - jnp.arange(frames),
        blank_id=blank_id,
        beam_width=beam_width,
        token_min_logp=token_min_logp,
        beam_prune_logp=beam_prune_logp,
        nbest=nbest,
        guide=guide_through(automaton, frames, classes, blank_id) if automaton else None,
    )
    exists = found.scores != -jnp.inf
    alignment = align(scores, logit_lengths, found.tokens, found.lengths, blank_id)
    inside = jnp.arange(frames) < found.lengths[..., None]
    # Nothing is found where a frame has no probabilities; the first score says so.
    broken = jnp.any(~sound & (jnp.arange(frames) < logit_lengths[:, None]), axis=1, keepdims=True)
    missing = jnp.where(broken & (jnp.arange(nbest) == 0), jnp.nan, -jnp.inf)
    return Hypotheses(
        found.tokens,
        found.lengths,
        jnp.where(exists, found.scores, missing),
        jnp.where(inside, alignment.frames, -1),
        jnp.where(inside, alignment.confidences, 0.0),
        jnp.where(exists, alignment.log_likelihoods, missing),
    )


def frame_scores(logits: Float[Array, "B T K"]) -> tuple[Float[Array, "B T K"], Bool[Array, "B T"]]:
    """Log probabilities in float32, at least `LOG_ZERO`, and whether each frame has some; NaN gives none."""
    logits = logits.astype(jnp.float32)
    sound = jnp.isfinite(jnp.max(logits, axis=-1))
    scores = jnp.maximum(jax.nn.log_softmax(logits, axis=-1), LOG_ZERO)
    return jnp.where(sound[..., None], scores, LOG_ZERO), sound


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

    Raises:
      ValueError: a number that is out of range.
    """
    require_limits(beam_width, token_min_logp, beam_prune_logp, nbest)
    batch, frames, _ = scores.shape
    part = jnp.zeros(frames, jnp.int32) if ranges is None else jnp.asarray(ranges)
    step = functools.partial(advance, blank_id=blank_id, prune=beam_prune_logp, guide=guide)
    inputs = frame_inputs(scores, left, part, blank_id, beam_width, token_min_logp, guide)
    beam, moves = jax.lax.scan(step, start(batch, beam_width, blank_id), inputs)
    total = beam.total + (guide.final[beam.state] if guide else 0.0)
    total, slots = jax.lax.top_k(total, nbest)
    tokens, lengths = trace_back(slots, Moves(moves % beam_width, moves // beam_width - 1))
    found = total > MISSING
    lengths = jnp.where(found, lengths, 0)
    inside = jnp.arange(frames) < lengths[..., None]
    return Sequences(jnp.where(inside, tokens, 0), lengths, jnp.where(found, total, -jnp.inf))


def require_limits(beam_width: int, token_min_logp: float, beam_prune_logp: float, nbest: int) -> None:
    """Raises ``ValueError`` if a setting of a beam is out of range."""
    if not 1 <= nbest <= beam_width <= WIDEST:
        raise ValueError(f"nbest={nbest} and beam_width={beam_width}: choose 1 <= nbest <= beam_width <= {WIDEST}")
    if not token_min_logp <= 0:
        raise ValueError(f"token_min_logp={token_min_logp} would exclude every token: choose 0 or less")
    if not beam_prune_logp <= 0:
        raise ValueError(f"beam_prune_logp={beam_prune_logp} would drop the best hypothesis as well: choose 0 or less")
