"""Beam search over autoregressive decoders: the most probable token sequences up to the end token.

The score of a sequence is the sum of the log probabilities of its tokens and of the end token after it, plus the
weights of an automaton; it is not divided by the length, so that it is the probability that the decoder gives to the
sequence. The beam is dense and the number of steps is fixed: ``W`` hypotheses for each sample, of which those that have
ended stay as they are. Several decoders that read consecutive parts of a text are searched one after the other, and the
state of the automaton is carried from one to the next.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from recog.ctc import BeamSearch
from recog.ctc.automaton import Automaton
from recog.ctc.beam import require_limits
from recog.ctc.log_space import LOG_ZERO
from recog.ctc.parts import automata_of_parts, needed_in_parts, require_room_in_parts
from recog.decoded import Decoded

MISSING = LOG_ZERO / 2
"""Scores at or below it belong to slots without a hypothesis."""


class Autoregressive(Protocol):
    """A decoder that reads the pictures of a batch token by token, such as `recog.models.attention.AttentionReader`."""

    def start(self) -> Any:
        """State before the first token: arrays with a leading batch axis."""
        ...

    def advance(self, state: Any, tokens: Int[Array, " B"], /) -> tuple[Any, Float[Array, "B K"], Int[Array, " B"]]:
        """State after a token (the end token before the first), logits of the next one, and the position it is at."""
        ...


class Texts(NamedTuple):
    """The best texts of a batch, best first."""

    parts: list[Decoded]
    """Sequence of each decoder, with a second axis ``N`` for the texts in all fields; ``confidence`` is its
    probability, the product of those of its tokens and of the end token."""
    scores: Float[Array, "B N"]
    """Log probability of each text, plus the weights of the automaton; ``-inf`` without a text."""


def search_texts(
    decoders: Sequence[Autoregressive],
    steps: int,
    settings: BeamSearch,
    *,
    separator: int | None = None,
    nbest: int = 1,
) -> Texts:
    """Searches for the most probable texts of each sample.

    Exact if the beam is wide enough for all prefixes of all parts.

    Args:
      decoders: decoders of consecutive parts of a text.
      steps: maximum number of tokens that each of them reads.
      settings: width and limits of the beam, id of the end token, and the automaton of whole texts or None.
        ``token_min_logp`` applies to tokens, but not to the end.
      separator: token before the second of two parts unless that is empty, for the automaton.
      nbest: texts to return, up to the beam's width.

    Raises:
      ValueError: a width or a number that is out of range.
    """
    require_limits(settings.beam_width, settings.token_min_logp, settings.beam_prune_logp, nbest)
    width, end_id = settings.beam_width, settings.blank_id
    rules = _rules(settings.automaton, len(decoders), separator, steps)
    first, texts = None, []
    for decoder, rule in zip(decoders, rules, strict=True):
        beam = _begin(decoder, width, end_id, steps, first)
        step = functools.partial(_step, decoder=decoder, settings=settings, rule=rule)
        beam, _ = jax.lax.scan(step, beam, jnp.arange(steps + 1))
        texts.append(beam)
        first = beam
    assert first is not None, "a text has at least one part"
    final = rules[-1].final[first.state] if rules[-1] else 0.0
    scores, slots = jax.lax.top_k(first.score + final, nbest)
    found, parts = scores > MISSING, []
    for beam in reversed(texts):
        beam = _taken(beam._replace(decoder=()), slots)
        parts.append(_decoded(beam, found))
        slots = beam.origin
    return Texts(parts[::-1], jnp.where(found, scores, -jnp.inf))


def decode_texts(
    decoders: Sequence[Autoregressive], steps: int, settings: BeamSearch, separator: int | None = None
) -> list[Decoded]:
    """The most probable text of each sample, part by part; see `search_texts`.

    Without an automaton, greedy decoding's sequence is taken instead where it is more probable, which a narrow beam can
    miss. Confidences are 0, and the parts empty, where the automaton accepts no text that is short enough.
    """
    found = _firsts(search_texts(decoders, steps, settings, separator=separator))
    if settings.automaton:
        return found
    greedy = _firsts(search_texts(decoders, steps, BeamSearch(settings.blank_id, beam_width=1)))
    return [_more_probable(ours, theirs) for ours, theirs in zip(found, greedy, strict=True)]


def _firsts(texts: Texts) -> list[Decoded]:
    return [Decoded(*(field[:, 0] for field in part)) for part in texts.parts]


def _more_probable(ours: Decoded, theirs: Decoded) -> Decoded:
    worse = ours.confidence < theirs.confidence
    return jax.tree.map(lambda x, y: jnp.where(worse.reshape(-1, *[1] * (x.ndim - 1)), y, x), ours, theirs)


class _Rule(NamedTuple):
    """Automaton of a part, on the device."""

    following: Int[Array, "N K"]
    weights: Float[Array, "N K"]
    final: Float[Array, " N"]
    """Weight of a whole text that ends in each state."""
    needed: Int[Array, " N"]
    """Tokens of this part without which the parts after it cannot end the text."""


def _rules(automaton: Automaton | None, parts: int, separator: int | None, steps: int) -> list[_Rule | None]:
    if automaton is None:
        return [None] * parts
    automata = automata_of_parts(automaton, parts, separator)
    needed = needed_in_parts(automata, lambda part: part.tokens_needed()[:, None], [steps] * parts, blank_id=0)
    require_room_in_parts(needed[0][0, 0], [steps] * parts, "tokens")
    return [
        _Rule(*map(jnp.asarray, (part.following, part.weights, np.maximum(part.final, LOG_ZERO), least[:, 0])))
        for part, least in zip(automata, needed, strict=True)
    ]


class _Beam(NamedTuple):
    """Hypotheses of a part between two steps, the most probable first."""

    score: Float[Array, "B W"]
    """Score of the text so far, over all parts."""
    log_probability: Float[Array, "B W"]
    """Log probability of this part."""
    ended: Bool[Array, "B W"]
    last: Int[Array, "B W"]
    """Last token; the end token at the start."""
    state: Int[Array, "B W"]
    """State of the automaton; 0 without one."""
    origin: Int[Array, "B W"]
    """Slot of the hypothesis that the part before ended with."""
    tokens: Int[Array, "B W S"]
    lengths: Int[Array, "B W"]
    confidences: Float[Array, "B W S"]
    places: Int[Array, "B W S"]
    decoder: Any
    """State of the decoder: arrays ``B W ...``."""


def _begin(decoder: Autoregressive, width: int, end_id: int, steps: int, before: _Beam | None) -> _Beam:
    """Empty hypotheses of a part: one, or one for each hypothesis of the part before."""
    start = decoder.start()
    shape = jax.tree.leaves(start)[0].shape[0], width
    slot = jnp.broadcast_to(jnp.arange(width), shape)
    one = jnp.where(slot == 0, 0.0, LOG_ZERO)
    return _Beam(
        score=before.score if before else one,
        log_probability=jnp.zeros(shape),
        ended=jnp.zeros(shape, bool),
        last=jnp.full(shape, end_id, jnp.int32),
        state=before.state if before else jnp.zeros(shape, jnp.int32),
        origin=slot,
        tokens=jnp.zeros((*shape, steps), jnp.int32),
        lengths=jnp.zeros(shape, jnp.int32),
        confidences=jnp.zeros((*shape, steps)),
        places=jnp.full((*shape, steps), -1, jnp.int32),
        decoder=jax.tree.map(lambda x: jnp.repeat(x[:, None], width, axis=1), start),
    )


def _taken(beam: _Beam, slots: Int[Array, "B N"]) -> _Beam:
    """Some hypotheses of a beam."""
    return jax.tree.map(
        lambda x: jnp.take_along_axis(x, slots.reshape(*slots.shape, *[1] * (x.ndim - 2)), axis=1), beam
    )


def _step(
    beam: _Beam, step: Int[Array, ""], *, decoder: Autoregressive, settings: BeamSearch, rule: _Rule | None
) -> tuple[_Beam, None]:
    width, end_id, steps = settings.beam_width, settings.blank_id, beam.tokens.shape[2]
    after, logits, places = jax.vmap(decoder.advance, in_axes=1, out_axes=1)(beam.decoder, beam.last)
    gained = jnp.maximum(jax.nn.log_softmax(logits.astype(jnp.float32)), LOG_ZERO)  # B W K
    classes = gained.shape[2]
    is_end = jnp.arange(classes) == end_id
    worth = jnp.where((gained < settings.token_min_logp) & ~is_end, LOG_ZERO, gained)
    allowed = is_end | (step < steps)
    if rule:
        following = rule.following[beam.state]
        in_time = (following >= 0) & (rule.needed[following] <= steps - 1 - step)
        allowed = jnp.where(is_end, (rule.needed[beam.state] == 0)[..., None], in_time)
        worth = worth + jnp.where(is_end, 0.0, rule.weights[beam.state])
    grown = jnp.where(allowed, beam.score[..., None] + worth, LOG_ZERO)
    stays = jnp.where(is_end, beam.score[..., None], LOG_ZERO)
    candidates = jnp.maximum(jnp.where(beam.ended[..., None], stays, grown), LOG_ZERO)
    kept, chosen = jax.lax.top_k(candidates.reshape(-1, width * classes), width)
    source, token = chosen // classes, (chosen % classes).astype(jnp.int32)
    gain = jnp.take_along_axis(gained.reshape(-1, width * classes), chosen, axis=1)
    places = jnp.take_along_axis(places, source, axis=1)
    beam = _taken(beam._replace(decoder=after), source)
    goes_on = ~beam.ended & (token != end_id)
    new = goes_on[..., None] & (jnp.arange(steps) == step)
    moved = rule.following[beam.state, token] if rule else beam.state
    dropped = kept < kept[:, :1] + settings.beam_prune_logp
    return beam._replace(
        score=jnp.where(dropped, LOG_ZERO, kept),
        log_probability=beam.log_probability + jnp.where(beam.ended, 0.0, gain),
        ended=~goes_on,
        last=token,
        state=jnp.where(goes_on, moved, beam.state),
        tokens=jnp.where(new, token[..., None], beam.tokens),
        lengths=beam.lengths + goes_on,
        confidences=jnp.where(new, jnp.exp(gain)[..., None], beam.confidences),
        places=jnp.where(new, places[..., None], beam.places),
    ), None


def _decoded(beam: _Beam, found: Bool[Array, "B N"]) -> Decoded:
    """Sequences of a part; empty ones where no text was found."""
    there = found[..., None]
    return Decoded(
        tokens=jnp.where(there, beam.tokens, 0),
        lengths=jnp.where(found, beam.lengths, 0),
        confidences=jnp.where(there, beam.confidences, 0.0),
        frames=jnp.where(there, beam.places, -1),
        confidence=jnp.where(found, jnp.exp(beam.log_probability), 0.0),
    )
