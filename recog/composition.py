"""Division of labels among the branches of a structure, and composition of their predictions; on the device."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.alphabet import Alphabet
from recog.decoded import Decoded
from recog.structure import Structure


def split(
    structure: Structure, alphabet: Alphabet, labels: Int[Array, "B L"], lengths: Int[Array, " B"]
) -> dict[str, tuple[Int[Array, "B L"], Int[Array, " B"]]]:
    """Labels of each branch: tokens packed to the left and padded with zeros, and their numbers.

    Args:
      structure: parts and branches.
      alphabet: alphabet of the labels.
      labels: token ids; slots at and beyond a length are ignored.
      lengths: number of tokens in each label.

    Raises:
      ValueError: the alphabet has no token for the separator.
    """
    slot = jnp.arange(labels.shape[1])
    if structure.separator:
        separators = (labels == structure.separator_id(alphabet)) & (slot < lengths[:, None])
        last = jnp.max(jnp.where(separators, slot, -1), axis=1, keepdims=True)
        cut = jnp.where(last < 0, labels.shape[1], last)
        part, live = slot > cut, (slot < lengths[:, None]) & (slot != cut)
    else:
        starts = [sum(structure.prefixes[: n + 1]) for n in range(len(structure.prefixes))]
        part, live = sum((slot >= start for start in starts), jnp.zeros_like(slot)), slot < lengths[:, None]
    keeps = {
        branch.name: live if branch.part is None else live & (part == branch.part) for branch in structure.branches
    }
    return {name: (_pack(keep, labels), jnp.sum(keep, axis=1, dtype=jnp.int32)) for name, keep in keeps.items()}


def compose(structure: Structure, alphabet: Alphabet, read: Mapping[str, Decoded]) -> Decoded:
    """Composes the predictions of the branches to one text, whether they are consistent or not.

    A part is the prediction of its own branch. A part without a branch is cut from the prediction of all parts: it
    begins after the parts before it and ends before the parts after it (if several parts have no branch, all but the
    last of them have the length given by the structure). The separator is inserted before the last part unless that is
    empty, with confidence 1 and the frame of the token after it. For a structure that is not `complete`, the predicted
    parts are concatenated in order.

    The confidence is the product of those of the branches used. If all parts have been predicted twice and the two
    predictions differ, it is multiplied by one minus the confidence of the prediction of all parts, which is the
    probability that this prediction is the wrong one.

    Args:
      structure: parts and branches.
      alphabet: alphabet of the predictions.
      read: predictions by name of the branch.

    Raises:
      ValueError: the alphabet has no token for the separator.
    """
    own = {part: read[name] for part, name in structure.own.items()}
    whole = read[structure.whole] if structure.whole else None
    if whole is not None and not own:
        return whole
    confidence = jnp.prod(jnp.stack([reading.confidence for reading in own.values()]), axis=0)
    pieces = {part: _piece(reading, 0, reading.lengths) for part, reading in own.items()}
    if whole is not None and structure.auxiliary is None:
        pieces |= _cut(structure, own, whole)
        confidence *= whole.confidence
    parts = [piece for _, piece in sorted(pieces.items())]
    joined = _join(parts, confidence)
    if whole is not None and structure.auxiliary:
        agrees = joined.equals(whole.tokens, whole.lengths)
        confidence *= jnp.where(agrees, 1.0, 1.0 - whole.confidence)
    separator = structure.separator_id(alphabet) if structure.complete else None
    if separator is not None:
        before, after = parts
        joined = _join([before, _separator(separator, after), after], confidence)
    return joined._replace(confidence=confidence)


def targets(
    structure: Structure, alphabet: Alphabet, labels: Int[Array, "B L"], lengths: Int[Array, " B"]
) -> tuple[Int[Array, "B L"], Int[Array, " B"]]:
    """Tokens and lengths composed from perfect predictions of the branches.

    For a complete structure these are the labels, except for a separator at the end (79. becomes 79).
    """

    def perfect(tokens: Int[Array, "B L"], lengths: Int[Array, " B"]) -> Decoded:
        return Decoded(tokens, lengths, jnp.ones(tokens.shape), jnp.zeros_like(tokens), jnp.ones(lengths.shape))

    parts = split(structure, alphabet, labels, lengths)
    composed = compose(structure, alphabet, {name: perfect(*part) for name, part in parts.items()})
    return composed.tokens[:, : labels.shape[1]], composed.lengths


class _Piece(NamedTuple):
    """Slots of a prediction, with a mask of those that are part of the text."""

    tokens: Int[Array, "B S"]
    confidences: Float[Array, "B S"]
    frames: Int[Array, "B S"]
    keep: Bool[Array, "B S"]


def _piece(reading: Decoded, start: Int[Array, " B"] | int, length: Int[Array, " B"] | int) -> _Piece:
    """Slots of a prediction from ``start``, limited to its length; a negative length selects none."""
    slot = jnp.arange(reading.tokens.shape[1])
    start, end = jnp.asarray(start), jnp.minimum(start + length, reading.lengths)
    keep = (slot >= start[..., None]) & (slot < end[..., None])
    return _Piece(reading.tokens, reading.confidences, reading.frames, keep)


def _cut(structure: Structure, own: Mapping[int, Decoded], whole: Decoded) -> dict[int, _Piece]:
    """Parts without their own branch, cut from the prediction of all parts."""
    *fixed, last = (part for part in range(structure.parts) if part not in own)
    lengths = {part: own[part].lengths for part in own} | {part: structure.prefixes[part] for part in fixed}
    lengths[last] = whole.lengths - sum(lengths.values())
    return {part: _piece(whole, sum(lengths[n] for n in range(part)), lengths[part]) for part in (*fixed, last)}


def _separator(token_id: int, after: _Piece) -> _Piece:
    """One slot with the separator, kept only if the part after it is not empty."""
    first = jnp.argmax(after.keep, axis=1, keepdims=True)
    tokens, frames = (jnp.take_along_axis(x, first, axis=1) for x in (after.tokens, after.frames))
    keep = jnp.any(after.keep, axis=1, keepdims=True)
    return _Piece(jnp.full_like(tokens, token_id), jnp.ones(tokens.shape), frames, keep)


def _join(pieces: Iterable[_Piece], confidence: Float[Array, " B"]) -> Decoded:
    """Concatenates pieces."""
    tokens, confidences, frames, keep = (jnp.concatenate(slots, axis=1) for slots in zip(*pieces, strict=True))
    return Decoded(
        tokens=_pack(keep, tokens),
        lengths=jnp.sum(keep, axis=1, dtype=jnp.int32),
        confidences=_pack(keep, confidences),
        frames=_pack(keep, frames, beyond=-1),
        confidence=confidence,
    )


def _pack(keep: Bool[Array, "B S"], slots: Array, beyond: int = 0) -> Array:
    """Moves the slots to keep to the left in their order; the others become ``beyond``."""
    order = jnp.argsort(~keep, axis=1, stable=True)
    kept = jnp.arange(keep.shape[1]) < jnp.sum(keep, axis=1, keepdims=True)
    return jnp.where(kept, jnp.take_along_axis(slots, order, axis=1), jnp.asarray(beyond, slots.dtype))
