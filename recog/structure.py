"""Division of texts into parts, each predicted by a branch, and composition of the predictions; on the device.

After "Towards accurate price tag recognition algorithm with multi-task RNN" (Acta Automatica Sinica 48(2), 2022): 79.99
is read as integer part 79, as decimal part 99 and, without the point, as 7999. Any two of the three determine the
price, and the third checks it. No branch reads the decimal point, which is the hardest character of a price.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.alphabet import Alphabet
from recog.decoded import Decoded


@dataclasses.dataclass(frozen=True)
class Branch:
    """One of the predictions that a text is composed of."""

    name: str
    """Name, unique within its structure."""
    part: int | None = None
    """Part that it reads, counted from 0; None reads all parts, concatenated without the separator."""


@dataclasses.dataclass(frozen=True)
class Structure:
    """Consecutive parts of a text, and the branches that read them; one part if neither separator nor prefixes are set.

    Example:
      >>> PRICE.choose(["integer", "no_point"]).complete
      True
      >>> PRICE.choose(["no_point"]).complete
      False

    Raises:
      ValueError: both separator and prefixes, a prefix without tokens, no branches, branches with the same name or
        part, or a branch for a part that does not exist.
    """

    branches: tuple[Branch, ...]
    """Branches that read the text."""
    separator: str = ""
    """Token whose last occurrence divides a text in two, and belongs to neither part; without it, all is part 0."""
    prefixes: tuple[int, ...] = ()
    """Alternatively, number of tokens of every part but the last; the last parts of a short text are short or empty."""

    def __post_init__(self) -> None:
        names, parts = ([getattr(branch, field) for branch in self.branches] for field in ("name", "part"))
        if self.separator and self.prefixes:
            raise ValueError(
                f"separator {self.separator!r} and prefixes {self.prefixes} both divide the text: choose one of them"
            )
        if any(length < 1 for length in self.prefixes):
            raise ValueError(f"prefixes {self.prefixes}: choose 1 or more tokens for each part")
        if not self.branches:
            raise ValueError("no branches: a structure needs at least one branch")
        if len(set(names)) < len(names) or len(set(parts)) < len(parts):
            raise ValueError(f"branches {self.branches}: names and parts must be unique")
        if any(part not in range(self.parts) for part in parts if part is not None):
            raise ValueError(f"branches {self.branches}: choose parts from 0 to {self.parts - 1}")

    @property
    def parts(self) -> int:
        """Number of parts of a text."""
        return 2 if self.separator else len(self.prefixes) + 1

    @property
    def own(self) -> dict[int, str]:
        """Names of the branches that read a single part, by part."""
        return dict(sorted((branch.part, branch.name) for branch in self.branches if branch.part is not None))

    @property
    def whole(self) -> str | None:
        """Name of the branch that reads all parts, or None."""
        return next((branch.name for branch in self.branches if branch.part is None), None)

    @property
    def auxiliary(self) -> str | None:
        """Name of the branch that reads all parts, if every part has its own branch as well, so that it only checks."""
        return self.whole if len(self.own) == self.parts else None

    @property
    def complete(self) -> bool:
        """Whether the branches determine the whole text: all its parts, and the position of the separator."""
        return len(self.own) == self.parts or (self.whole is not None and bool(self.own or not self.separator))

    def require_concatenation(self) -> tuple[str, ...]:
        """Names of the branches whose predictions in this order, with the separator between, are the composed text.

        Raises:
          ValueError: a part is cut from the prediction of all parts.
        """
        if self.whole and not self.own:
            return (self.whole,)
        if self.whole and not self.auxiliary:
            raise ValueError(
                f"a part of the text is cut from the branch {self.whole!r}, so that a search cannot tell which texts "
                "are allowed: read every part by a branch of its own, or search without pattern, allowed characters "
                "or language model"
            )
        return tuple(self.own.values())

    def separator_id(self, alphabet: Alphabet) -> int | None:
        """Class id of the separator; None without one.

        Raises:
          ValueError: the alphabet has no token for the separator.
        """
        if not self.separator:
            return None
        if self.separator not in alphabet.tokens:
            raise ValueError(
                f"the separator {self.separator!r} is not a token of {alphabet!r}: "
                "add it to the alphabet, or choose another structure"
            )
        return int(alphabet.encode(self.separator)[0])

    def to_json(self) -> dict[str, Any]:
        """Fields, for JSON."""
        branches = [[branch.name, branch.part] for branch in self.branches]
        return {"branches": branches, "separator": self.separator, "prefixes": list(self.prefixes)}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """Loads the form that `to_json` returns."""
        branches = tuple(Branch(name, part) for name, part in saved["branches"])
        return cls(branches, saved["separator"], tuple(saved["prefixes"]))

    def choose(self, names: Iterable[str]) -> Self:
        """Structure with only some of the branches, in their order.

        Raises:
          ValueError: an unknown name, or no names.
        """
        names, choices = set(names), [branch.name for branch in self.branches]
        if unknown := names.difference(choices):
            raise ValueError(f"no branch {', '.join(map(repr, sorted(unknown)))}: choose among {', '.join(choices)}")
        return dataclasses.replace(self, branches=tuple(branch for branch in self.branches if branch.name in names))


WHOLE = Structure((Branch("text"),))
"""The undivided text, for the single-task baseline."""

PRICE = Structure((Branch("integer", 0), Branch("decimal", 1), Branch("no_point")), separator=".")
"""The three branches of the paper: IB, DB and NDPB."""

PLATE_PARTS = Structure((Branch("province", 0), Branch("city", 1), Branch("number", 2)), prefixes=(1, 1))
"""京A12345: the province's character, the city's letter, the number."""

PLATE_FULL = Structure((Branch("chinese", 0), Branch("alphanumerics", 1), Branch("full")), prefixes=(1,))
"""京A12345: the Chinese character, letters and digits, and both again."""


def named_structure(name: str, branches: Iterable[str] = ()) -> Structure:
    """Structure by its name in configurations, with the named branches, or all if none is named.

    Raises:
      ValueError: unknown structure or branch.
    """
    structures = {"whole": WHOLE, "price": PRICE, "plate_parts": PLATE_PARTS, "plate_full": PLATE_FULL}
    if name not in structures:
        raise ValueError(f"model.structure={name!r}: choose price, plate_parts, plate_full or whole")
    branches = tuple(branches)
    return structures[name].choose(branches) if branches else structures[name]


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
