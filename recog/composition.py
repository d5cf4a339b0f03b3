"""Division of labels among the branches of a structure, and composition of their predictions.

Arrays are of JAX, on the device, or of NumPy, where another runtime has computed the predictions.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from jaxtyping import Bool, Float, Int

from recog.alphabet import Alphabet
from recog.decoded import Decoded
from recog.structure import Structure


def split(
    structure: Structure, alphabet: Alphabet, labels: Int[Any, "B L"], lengths: Int[Any, " B"]
) -> dict[str, tuple[Int[Any, "B L"], Int[Any, " B"]]]:
    """Labels of each branch: tokens packed to the left and padded with zeros, and their numbers.

    Args:
      structure: parts and branches.
      alphabet: alphabet of the labels.
      labels: token ids; slots at and beyond a length are ignored.
      lengths: number of tokens in each label.

    Raises:
      ValueError: the alphabet has no token for the separator.
    """
    xp = labels.__array_namespace__()
    slot = xp.arange(labels.shape[1])
    if structure.separator:
        separators = (labels == structure.separator_id(alphabet)) & (slot < lengths[:, None])
        last = xp.max(xp.where(separators, slot, -1), axis=1, keepdims=True)
        cut = xp.where(last < 0, labels.shape[1], last)
        part, live = slot > cut, (slot < lengths[:, None]) & (slot != cut)
    else:
        starts = [sum(structure.prefixes[: n + 1]) for n in range(len(structure.prefixes))]
        part, live = sum((slot >= start for start in starts), xp.zeros_like(slot)), slot < lengths[:, None]
    keeps = {
        branch.name: live if branch.part is None else live & (part == branch.part) for branch in structure.branches
    }
    return {name: (_pack(keep, labels), xp.sum(keep, axis=1, dtype=xp.int32)) for name, keep in keeps.items()}


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
    xp = next(iter(own.values())).tokens.__array_namespace__()
    confidence = xp.prod(xp.stack([reading.confidence for reading in own.values()]), axis=0)
    pieces = {part: _piece(reading, 0, reading.lengths) for part, reading in own.items()}
    if whole is not None and structure.auxiliary is None:
        pieces |= _cut(structure, own, whole)
        confidence *= whole.confidence
    parts = [piece for _, piece in sorted(pieces.items())]
    joined = _join(parts, confidence)
    if whole is not None and structure.auxiliary:
        agrees = joined.equals(whole.tokens, whole.lengths)
        confidence *= xp.where(agrees, 1.0, 1.0 - whole.confidence)
    separator = structure.separator_id(alphabet) if structure.complete else None
    if separator is not None:
        before, after = parts
        joined = _join([before, _separator(separator, after), after], confidence)
    return joined._replace(confidence=confidence)


def targets(
    structure: Structure, alphabet: Alphabet, labels: Int[Any, "B L"], lengths: Int[Any, " B"]
) -> tuple[Int[Any, "B L"], Int[Any, " B"]]:
    """Tokens and lengths composed from perfect predictions of the branches.

    For a complete structure these are the labels, except for a separator at the end (79. becomes 79).
    """
    xp = labels.__array_namespace__()

    def perfect(tokens: Int[Any, "B L"], lengths: Int[Any, " B"]) -> Decoded:
        sure = xp.ones(tokens.shape, xp.float32), xp.ones(lengths.shape, xp.float32)
        return Decoded(tokens, lengths, sure[0], xp.zeros_like(tokens), sure[1])

    parts = split(structure, alphabet, labels, lengths)
    composed = compose(structure, alphabet, {name: perfect(*part) for name, part in parts.items()})
    return composed.tokens[:, : labels.shape[1]], composed.lengths


class _Piece(NamedTuple):
    """Slots of a prediction, with a mask of those that are part of the text."""

    tokens: Int[Any, "B S"]
    confidences: Float[Any, "B S"]
    frames: Int[Any, "B S"]
    keep: Bool[Any, "B S"]


def _piece(reading: Decoded, start: Int[Any, " B"] | int, length: Int[Any, " B"] | int) -> _Piece:
    """Slots of a prediction from ``start``, limited to its length; a negative length selects none."""
    xp = reading.tokens.__array_namespace__()
    slot = xp.arange(reading.tokens.shape[1])
    first, end = xp.asarray(start), xp.minimum(start + length, reading.lengths)
    keep = (slot >= first[..., None]) & (slot < end[..., None])
    return _Piece(reading.tokens, reading.confidences, reading.frames, keep)


def _cut(structure: Structure, own: Mapping[int, Decoded], whole: Decoded) -> dict[int, _Piece]:
    """Parts without their own branch, cut from the prediction of all parts."""
    *fixed, last = (part for part in range(structure.parts) if part not in own)
    lengths = {part: own[part].lengths for part in own} | {part: structure.prefixes[part] for part in fixed}
    lengths[last] = whole.lengths - sum(lengths.values())
    return {part: _piece(whole, sum(lengths[n] for n in range(part)), lengths[part]) for part in (*fixed, last)}


def _separator(token_id: int, after: _Piece) -> _Piece:
    """One slot with the separator, kept only if the part after it is not empty."""
    xp = after.tokens.__array_namespace__()
    first = xp.argmax(after.keep, axis=1, keepdims=True)
    tokens, frames = (xp.take_along_axis(x, first, axis=1) for x in (after.tokens, after.frames))
    keep = xp.any(after.keep, axis=1, keepdims=True)
    return _Piece(xp.full_like(tokens, token_id), xp.ones(tokens.shape, xp.float32), frames, keep)


def _join(pieces: Iterable[_Piece], confidence: Float[Any, " B"]) -> Decoded:
    """Concatenates pieces."""
    pieces = list(pieces)
    xp = pieces[0].tokens.__array_namespace__()
    tokens, confidences, frames, keep = (xp.concatenate(slots, axis=1) for slots in zip(*pieces, strict=True))
    return Decoded(
        tokens=_pack(keep, tokens),
        lengths=xp.sum(keep, axis=1, dtype=xp.int32),
        confidences=_pack(keep, confidences),
        frames=_pack(keep, frames, beyond=-1),
        confidence=confidence,
    )


def _pack(keep: Bool[Any, "B S"], slots: Any, beyond: int = 0) -> Any:
    """Moves the slots to keep to the left in their order; the others become ``beyond``."""
    xp = slots.__array_namespace__()
    order = xp.argsort(~keep, axis=1, stable=True)
    kept = xp.arange(keep.shape[1]) < xp.sum(keep, axis=1, keepdims=True)
    return xp.where(kept, xp.take_along_axis(slots, order, axis=1), xp.asarray(beyond, slots.dtype))
