"""How a text is cut into parts, read by one branch each, and composed again; all of it on the device.

After "Towards accurate price tag recognition algorithm with multi-task RNN" (Acta Automatica Sinica 48(2), 2022): 79.99
is read as integer part 79, as decimal part 99 and, without the point, as 7999. Any two of the three tell the price; the
third checks it. What a branch reads does not depend on where the point was seen, which is the hard part of a price.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.alphabet import Alphabet
from recog.decoded import Decoded


@dataclasses.dataclass(frozen=True)
class Branch:
    """One of the readings that a text is composed of."""

    name: str
    part: int | None = None
    """The part that it reads, counted from 0; None reads all parts, one after the other without the separator."""


@dataclasses.dataclass(frozen=True)
class Structure:
    """How a text is cut into consecutive parts, and which branches read them. Without a cut the text is one part.

    Example:
      >>> PRICE.choose(["integer", "no_point"]).complete
      True
      >>> PRICE.choose(["no_point"]).complete
      False

    Raises:
      ValueError: there are both ways to cut, prefixes without a token, no branches, two of one name or for one part, or
        one for a part that there is not.
    """

    branches: tuple[Branch, ...]
    separator: str = ""
    """Cuts in two at the last occurrence of this token, which belongs to neither part. Without it all is part 0."""
    prefixes: tuple[int, ...] = ()
    """Or: tokens of every part but the last, which is the rest. A short text has short or empty last parts."""

    def __post_init__(self) -> None:
        names, parts = ([getattr(branch, field) for branch in self.branches] for field in ("name", "part"))
        if self.separator and self.prefixes:
            raise ValueError(f"separator {self.separator!r} and prefixes {self.prefixes} both cut: choose one of them")
        if any(length < 1 for length in self.prefixes):
            raise ValueError(f"prefixes {self.prefixes}: each part has 1 token or more")
        if not self.branches:
            raise ValueError("a structure needs at least one branch")
        if len(set(names)) < len(names) or len(set(parts)) < len(parts):
            raise ValueError(f"branches {self.branches}: each has a name and a part of its own")
        if any(part not in range(self.parts) for part in parts if part is not None):
            raise ValueError(f"branches {self.branches}: the parts are 0 to {self.parts - 1}")

    @property
    def parts(self) -> int:
        """How many parts a text has."""
        return 2 if self.separator else len(self.prefixes) + 1

    @property
    def own(self) -> dict[int, str]:
        """The parts that have a branch of their own, in order, and its name."""
        return dict(sorted((branch.part, branch.name) for branch in self.branches if branch.part is not None))

    @property
    def whole(self) -> str | None:
        """Name of the branch that reads all parts, if there is one."""
        return next((branch.name for branch in self.branches if branch.part is None), None)

    @property
    def auxiliary(self) -> str | None:
        """Name of the branch that reads all parts, where every part has a branch of its own as well: it only checks."""
        return self.whole if len(self.own) == self.parts else None

    @property
    def complete(self) -> bool:
        """Whether the branches tell the whole text: all its parts, and where the separator goes."""
        return len(self.own) == self.parts or (self.whole is not None and bool(self.own or not self.separator))

    def choose(self, names: Iterable[str]) -> Self:
        """The same text read by some of the branches, which keep their order.

        Raises:
          ValueError: a name that no branch has, or no names.
        """
        names, choices = set(names), [branch.name for branch in self.branches]
        if unknown := names.difference(choices):
            raise ValueError(f"no branch {', '.join(map(repr, sorted(unknown)))}: choose among {', '.join(choices)}")
        return dataclasses.replace(self, branches=tuple(branch for branch in self.branches if branch.name in names))


WHOLE = Structure((Branch("text"),))
"""The text as it is: the single-task baseline."""

PRICE = Structure((Branch("integer", 0), Branch("decimal", 1), Branch("no_point")), separator=".")
"""The three branches of the paper: IB, DB and NDPB."""

PLATE_PARTS = Structure((Branch("province", 0), Branch("city", 1), Branch("number", 2)), prefixes=(1, 1))
"""京A12345: the province's character, the city's letter, the number."""

PLATE_FULL = Structure((Branch("chinese", 0), Branch("alphanumerics", 1), Branch("full")), prefixes=(1,))
"""京A12345: the Chinese character, letters and digits, and both again."""


def named_structure(name: str, branches: Iterable[str] = ()) -> Structure:
    """A structure by its name in configurations, with some of its branches; all where none is named.

    Raises:
      ValueError: there is no such structure or branch.
    """
    structures = {"whole": WHOLE, "price": PRICE, "plate_parts": PLATE_PARTS, "plate_full": PLATE_FULL}
    if name not in structures:
        raise ValueError(f"model.structure={name!r}: choose price, plate_parts, plate_full or whole")
    branches = tuple(branches)
    return structures[name].choose(branches) if branches else structures[name]


def split(
    structure: Structure, alphabet: Alphabet, labels: Int[Array, "B L"], lengths: Int[Array, " B"]
) -> dict[str, tuple[Int[Array, "B L"], Int[Array, " B"]]]:
    """What each branch is to read: its tokens, packed to the left with zeros beyond, and their number.

    Args:
      structure: the parts and their branches.
      alphabet: of the labels.
      labels: token ids; slots at and beyond a length are ignored.
      lengths: tokens of each label.

    Raises:
      ValueError: the alphabet has no token for the separator.
    """
    slot = jnp.arange(labels.shape[1])
    if structure.separator:
        separators = (labels == _separator_id(structure, alphabet)) & (slot < lengths[:, None])
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
    """The text that the branches' readings make up, whether they fit together or not.

    A part is what its own branch has read. A part without one is cut from the reading of all parts: it begins after the
    parts before it and ends before the parts after it (where several have none, all but the last of them have the
    structure's length). The separator goes before the last part unless that is empty, with confidence 1 and the frame
    of the token after it. A structure that is not `complete` gives what there is, in order.

    The confidence is the product of those of the branches that took part. Where all parts have been read twice and the
    two readings differ, it is multiplied by one minus the confidence of the reading of all parts: by the chance that it
    is that one which is wrong.

    Args:
      structure: the parts and their branches.
      alphabet: of the readings.
      read: what each branch has read.

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
    if structure.separator and structure.complete:
        before, after = parts
        joined = _join([before, _separator(_separator_id(structure, alphabet), after), after], confidence)
    return joined._replace(confidence=confidence)


def targets(
    structure: Structure, alphabet: Alphabet, labels: Int[Array, "B L"], lengths: Int[Array, " B"]
) -> tuple[Int[Array, "B L"], Int[Array, " B"]]:
    """What perfect readings compose to: tokens and lengths.

    For a complete structure it is the label itself, but for a separator that nothing follows (79. composes to 79).
    """

    def perfect(tokens: Int[Array, "B L"], lengths: Int[Array, " B"]) -> Decoded:
        return Decoded(tokens, lengths, jnp.ones(tokens.shape), jnp.zeros_like(tokens), jnp.ones(lengths.shape))

    parts = split(structure, alphabet, labels, lengths)
    composed = compose(structure, alphabet, {name: perfect(*part) for name, part in parts.items()})
    return composed.tokens[:, : labels.shape[1]], composed.lengths


class _Piece(NamedTuple):
    """Slots of a reading, and which of them go into the text."""

    tokens: Int[Array, "B S"]
    confidences: Float[Array, "B S"]
    frames: Int[Array, "B S"]
    keep: Bool[Array, "B S"]


def _piece(reading: Decoded, start: Int[Array, " B"] | int, length: Int[Array, " B"] | int) -> _Piece:
    """The slots from a start on, as far as the reading goes; a negative length is none."""
    slot = jnp.arange(reading.tokens.shape[1])
    start, end = jnp.asarray(start), jnp.minimum(start + length, reading.lengths)
    keep = (slot >= start[..., None]) & (slot < end[..., None])
    return _Piece(reading.tokens, reading.confidences, reading.frames, keep)


def _cut(structure: Structure, own: Mapping[int, Decoded], whole: Decoded) -> dict[int, _Piece]:
    """The parts that have no branch of their own, out of the reading of all parts."""
    *fixed, last = (part for part in range(structure.parts) if part not in own)
    lengths = {part: own[part].lengths for part in own} | {part: structure.prefixes[part] for part in fixed}
    lengths[last] = whole.lengths - sum(lengths.values())
    return {part: _piece(whole, sum(lengths[n] for n in range(part)), lengths[part]) for part in (*fixed, last)}


def _separator(token_id: int, after: _Piece) -> _Piece:
    """One slot: the separator before a part, where the part is not empty."""
    first = jnp.argmax(after.keep, axis=1, keepdims=True)
    tokens, frames = (jnp.take_along_axis(x, first, axis=1) for x in (after.tokens, after.frames))
    keep = jnp.any(after.keep, axis=1, keepdims=True)
    return _Piece(jnp.full_like(tokens, token_id), jnp.ones(tokens.shape), frames, keep)


def _separator_id(structure: Structure, alphabet: Alphabet) -> int:
    if structure.separator not in alphabet.tokens:
        raise ValueError(
            f"the separator {structure.separator!r} is no token of {alphabet!r}: "
            "add it to the alphabet, or choose another structure"
        )
    return int(alphabet.encode(structure.separator)[0])


def _join(pieces: Iterable[_Piece], confidence: Float[Array, " B"]) -> Decoded:
    """Pieces one after the other."""
    tokens, confidences, frames, keep = (jnp.concatenate(slots, axis=1) for slots in zip(*pieces, strict=True))
    return Decoded(
        tokens=_pack(keep, tokens),
        lengths=jnp.sum(keep, axis=1, dtype=jnp.int32),
        confidences=_pack(keep, confidences),
        frames=_pack(keep, frames, beyond=-1),
        confidence=confidence,
    )


def _pack(keep: Bool[Array, "B S"], slots: Array, beyond: int = 0) -> Array:
    """The slots to keep, moved to the left in their order."""
    order = jnp.argsort(~keep, axis=1, stable=True)
    kept = jnp.arange(keep.shape[1]) < jnp.sum(keep, axis=1, keepdims=True)
    return jnp.where(kept, jnp.take_along_axis(slots, order, axis=1), jnp.asarray(beyond, slots.dtype))
