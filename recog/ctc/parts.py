"""Automata of texts that are read in parts, and the beam search over the CTC logits of all parts together.

The parts of a text, such as the integer and the decimal part of a price, have logits of their own and are independent
given the picture. One search runs through the frames of the first part, then through those of the next, and the state
of the automaton goes along; the tokens of each part are classes of their own. A hypothesis is a sequence for every
part, its probability is the product of theirs, and the automaton accepts or refuses the composed text.
"""

from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jax.export import is_symbolic_dim
from jaxtyping import Array, Bool, Float, Int, Int32

from recog.ctc.automaton import LARGEST, NONE, Automaton, AutomatonSizeError
from recog.ctc.beam import frame_scores, search
from recog.ctc.beam_decoder import BeamSearch
from recog.ctc.guide import Guide, TooFewFramesError
from recog.ctc.hypotheses import align
from recog.ctc.log_space import LOG_ZERO
from recog.decoded import Decoded


def automata_of_parts(automaton: Automaton, parts: int, separator: int | None = None) -> list[Automaton]:
    """Automata that read consecutive parts of a text, over the same states: each goes on where the one before it ended.

    Args:
      automaton: automaton of whole texts.
      parts: number of parts.
      separator: token before the second of two parts unless that is empty; it belongs to neither.

    Raises:
      AutomatonSizeError: they have more than `LARGEST` transitions.
    """
    size = automaton.following.size * parts * (1 if separator is None else 2)
    if size > LARGEST:
        raise AutomatonSizeError(
            f"the automaton of {parts} parts needs {size:,} transitions, more than "
            f"{LARGEST:,}: shorten the pattern or the hotwords, or use a smaller n-gram model"
        )
    if separator is None:
        return [automaton] * parts
    states, (following, weights, final) = len(automaton.final), automaton
    nothing = np.full_like(following, NONE), np.zeros_like(weights)
    after, weight = following[:, separator], weights[:, separator, None]
    begun = np.where(after[:, None] >= 0, following[after], NONE), weight + weights[after]
    again = [np.where(row >= 0, row + states, NONE) for row in (begun[0], following)]
    final = np.concatenate([final, final])
    return [
        Automaton(np.concatenate([following, nothing[0]]), np.concatenate([weights, nothing[1]]), final),
        Automaton(np.concatenate(again), np.concatenate([begun[1], weights]), final),
    ]


def needed_in_parts(
    automata: Sequence[Automaton],
    needed: Callable[[Automaton], Int32[np.ndarray, "N K"]],
    available: Sequence[int],
    blank_id: int,
) -> list[Int32[np.ndarray, "N K"]]:
    """Minimum of what each part needs, by state and last token, so that the parts after it can end the text.

    Args:
      automata: automata of the parts.
      needed: function that returns it for an automaton, such as `Automaton.frames_needed`.
      available: number of frames (or tokens) that each part has at most.
      blank_id: id of the blank, which is the last token where a part begins.
    """
    final, found = automata[-1].final, []
    for automaton, most in zip(reversed(automata), reversed(available), strict=True):
        found.append(needed(automaton._replace(final=final)))
        final = np.where(found[-1][:, blank_id] <= most, 0.0, -np.inf).astype(np.float32)
    return found[::-1]


def require_room_in_parts(fewest: Int32[np.ndarray, ""], available: Sequence[int], unit: str) -> None:
    """Raises `TooFewFramesError` if no text fits the parts.

    Args:
      fewest: minimum that the first part needs, from `needed_in_parts`.
      available: number of frames (or tokens) that each part has at most; a number that is only known when an exported
        program runs is not checked.
      unit: name of what they are.
    """
    if any(map(is_symbolic_dim, available)) or fewest <= available[0]:
        return
    raise TooFewFramesError(
        f"no text that the automaton (pattern, allowed tokens) accepts fits {' + '.join(map(str, available))} {unit}: "
        "allow shorter texts"
    )


def search_parts(
    logits: Sequence[Float[Array, "B T K"]],
    lengths: Sequence[Int[Array, " B"]],
    settings: BeamSearch,
    automaton: Automaton,
    separator: int | None = None,
) -> list[Decoded]:
    """Most probable sequences of the parts among those whose composed text the automaton accepts.

    The confidence of a part is its probability, summed over its alignments; it is 0, and all parts are empty, where no
    text was found. However narrow the beam, it keeps to hypotheses that can still end in the frames that the logits
    have; a sample whose later parts have fewer may need a wider one.

    Args:
      logits: scores of each part, in order.
      lengths: frames of each part and sample; later frames are ignored.
      settings: width and limits of the beam.
      automaton: automaton of the composed texts.
      separator: token before the second of two parts unless that is empty.

    Raises:
      TooFewFramesError: no text that the automaton accepts fits the frames of the parts.
      ValueError: a number that is out of range, or an automaton with other classes or without a text.
    """
    blank_id, classes, parts = settings.blank_id, logits[0].shape[2], len(logits)
    if automaton.following.shape[1] != classes:
        raise ValueError(f"the automaton has {automaton.following.shape[1]} classes, the logits have {classes}")
    frames = [part.shape[1] for part in logits]
    scores = [frame_scores(part)[0] for part in logits]
    automata = automata_of_parts(automaton, parts, separator)
    needed = needed_in_parts(automata, Automaton.frames_needed, frames, blank_id)
    require_room_in_parts(needed[0][0, blank_id], frames, "frames")
    found = search(
        jnp.concatenate([_among_all(part, index, parts, blank_id) for index, part in enumerate(scores)], axis=1),
        jnp.concatenate([n[:, None] - 1 - jnp.arange(t) for n, t in zip(lengths, frames, strict=True)], axis=1),
        blank_id=blank_id,
        beam_width=settings.beam_width,
        token_min_logp=settings.token_min_logp,
        beam_prune_logp=settings.beam_prune_logp,
        nbest=1,
        guide=Guide(
            _together(automata), np.stack([_for_all(rows, index, parts, blank_id) for index, rows in enumerate(needed)])
        ),
        ranges=np.repeat(np.arange(parts), frames),
    )
    exists = jnp.isfinite(found.scores[:, 0])
    pieces = _pieces(found.tokens[:, 0], found.lengths[:, 0], classes, frames)
    given = zip(scores, lengths, pieces, strict=True)
    return [_decoded(part, length, piece, exists, blank_id) for part, length, piece in given]


def _among_all(scores: Float[Array, "B T K"], part: int, parts: int, blank_id: int) -> Float[Array, "B T P*K"]:
    """Scores of a part as scores of the tokens of all parts; the blank keeps its id."""
    tokens = scores.at[..., blank_id].set(LOG_ZERO)
    blocks = [tokens if index == part else jnp.full_like(scores, LOG_ZERO) for index in range(parts)]
    return jnp.concatenate(blocks, axis=2).at[..., blank_id].set(scores[..., blank_id])


def _together(automata: Sequence[Automaton]) -> Automaton:
    """Automaton over the tokens of all parts."""
    following, weights = (np.concatenate([part[field] for part in automata], axis=1) for field in (0, 1))
    return Automaton(following, weights, automata[-1].final)


def _for_all(needed: Int32[np.ndarray, "N K"], part: int, parts: int, blank_id: int) -> Int32[np.ndarray, "N P*K"]:
    """Frames needed after each token of all parts: a token of another part need not be waited for."""
    other = np.repeat(needed[:, blank_id, None], needed.shape[1], axis=1)
    return np.concatenate([needed if index == part else other for index in range(parts)], axis=1)


def _pieces(
    tokens: Int[Array, "B S"], length: Int[Array, " B"], classes: int, frames: Sequence[int]
) -> list[tuple[Int[Array, "B T"], Int[Array, " B"]]]:
    """Tokens of each part with their numbers, from a sequence over the tokens of all parts."""
    part = jnp.where(jnp.arange(tokens.shape[1]) < length[:, None], tokens // classes, len(frames))
    found = []
    for index, slots in enumerate(frames):
        start, count = (jnp.sum(x, axis=1, dtype=jnp.int32) for x in (part < index, part == index))
        place = jnp.minimum(start[:, None] + jnp.arange(slots), tokens.shape[1] - 1)
        taken = jnp.take_along_axis(tokens, place, axis=1) % classes
        found.append((jnp.where(jnp.arange(slots) < count[:, None], taken, 0), count))
    return found


def _decoded(scores, length: Int[Array, " B"], piece, exists: Bool[Array, " B"], blank_id: int) -> Decoded:
    """A part with its probability and its positions."""
    tokens, count = piece
    alignment = align(scores, length, tokens[:, None], count[:, None], blank_id)
    inside = jnp.arange(tokens.shape[1]) < count[:, None]
    return Decoded(
        tokens=tokens,
        lengths=count,
        confidences=jnp.where(inside, alignment.confidences[:, 0], 0.0),
        frames=jnp.where(inside, alignment.frames[:, 0], -1),
        confidence=jnp.where(exists, jnp.exp(alignment.log_likelihoods[:, 0]), 0.0),
    )
