"""Division of texts into parts, each predicted by a branch.

After "Towards accurate price tag recognition algorithm with multi-task RNN" (Acta Automatica Sinica 48(2), 2022): 79.99
is read as integer part 79, as decimal part 99 and, without the point, as 7999. Any two of the three determine the
price, and the third checks it. No branch reads the decimal point, which is the hardest character of a price.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Self

from recog.alphabet import Alphabet


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
