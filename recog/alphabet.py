"""Tokens to ids and back. The order of an alphabet is part of what a model learned, so it travels with the model."""

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import index
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from jaxtyping import Int32

BlankPlace = Literal["first", "last"]
"""Where the CTC blank sits among the classes."""

_UNWRITABLE = re.compile("[\n\r\ufeff\ud800-\udfff]")
"""What a one-token-per-line UTF-8 file cannot hold within a token: line breaks, byte order marks, lone surrogates."""


class UnknownTokenError(ValueError):
    """A text holds tokens that the alphabet does not."""

    def __init__(self, text: str, unknown: Sequence[tuple[int, str]], size: int) -> None:
        """Keeps what the message is made of; all of it survives pickling between worker processes.

        Args:
          text: the whole text.
          unknown: position (counted in tokens from 0) and token of each one that is not in the alphabet.
          size: tokens in the alphabet.
        """
        super().__init__(text, unknown, size)
        self.text = text
        self.unknown = tuple(unknown)
        self.size = size

    def __str__(self) -> str:
        found = ", ".join(
            f"{repr(token) if token else 'nothing between two separators'} at position {position}"
            for position, token in self.unknown
        )
        return (
            f"text {self.text!r} holds {found}, which the alphabet of {self.size} tokens does not: "
            "add the tokens to the alphabet, correct the text or drop the sample"
        )


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Alphabet:
    """An ordered set of tokens and the place of the CTC blank among them. Immutable, hashable and picklable.

    Example:
      >>> digits = Alphabet("0123456789")
      >>> digits.encode("407")
      array([5, 1, 8], dtype=int32)
      >>> digits.decode([5, 1, 8])
      '407'
      >>> music = Alphabet(["clef-G2", "note-C4", "barline"], separator=" ")
      >>> music.encode("clef-G2 note-C4").tolist()
      [1, 2]

    Case and Unicode forms are taken as they are: an alphabet that is to ignore them is given folded texts.

    Attributes:
      tokens: the tokens in order, without the blank.
      blank: ``first`` (id 0, as in most papers) or ``last`` (the id after all tokens).
      separator: the one character between tokens in a text; empty when every token is one character.
    """

    tokens: tuple[str, ...]
    blank: BlankPlace
    separator: str
    _ids: dict[str, int] = field(compare=False)

    def __init__(self, tokens: Sequence[str], blank: BlankPlace = "first", separator: str = "") -> None:
        """Checks and keeps the tokens.

        Args:
          tokens: the tokens in order; a string stands for its characters.
          blank: where the blank goes.
          separator: the one character that texts have between tokens; needed as soon as a token has several characters.

        Raises:
          ValueError: no tokens; a token is empty, there twice, holds the separator or a line break, or has several
            characters while there is no separator; ``blank`` or ``separator`` is none of the allowed.
        """
        if blank not in ("first", "last"):
            raise ValueError(f"blank is {blank!r}: it must be 'first' or 'last'")
        if len(separator) > 1:
            raise ValueError(f"separator {separator!r} has {len(separator)} characters: give one, such as ' '")
        if not tokens:
            raise ValueError("an alphabet needs at least one token")
        seen: dict[str, int] = {}
        for place, token in enumerate(tokens):
            _check_token(token, place, separator)
            if token in seen:
                raise ValueError(f"token {token!r} is there twice, at {seen[token]} and {place}: remove one of them")
            seen[token] = place
        first_id = 1 if blank == "first" else 0
        object.__setattr__(self, "tokens", tuple(tokens))
        object.__setattr__(self, "blank", blank)
        object.__setattr__(self, "separator", separator)
        object.__setattr__(self, "_ids", {token: first_id + place for token, place in seen.items()})

    def __repr__(self) -> str:
        shown = (
            repr(self.tokens)
            if len(self.tokens) <= 8
            else f"<{len(self.tokens)} tokens {self.tokens[0]!r} ... {self.tokens[-1]!r}>"
        )
        return f"Alphabet({shown}, blank={self.blank!r}, separator={self.separator!r})"

    @property
    def classes(self) -> int:
        """How many classes a model emits: the tokens and the blank."""
        return len(self.tokens) + 1

    @property
    def blank_id(self) -> int:
        """The id of the blank: 0 when first, ``len(tokens)`` when last."""
        return 0 if self.blank == "first" else len(self.tokens)

    def split(self, text: str) -> list[str]:
        """Cuts a text into tokens, known or not: at the separator, or into characters where there is none."""
        return text.split(self.separator) if self.separator and text else list(text)

    def encode(self, text: str) -> Int32[np.ndarray, " L"]:
        """The ids of a text.

        Raises:
          UnknownTokenError: names every token that the alphabet lacks.
        """
        tokens = self.split(text)
        unknown = [(position, token) for position, token in enumerate(tokens) if token not in self._ids]
        if unknown:
            raise UnknownTokenError(text, unknown, len(self.tokens))
        return np.array([self._ids[token] for token in tokens], np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids that hold neither blanks nor padding.

        Raises:
          ValueError: an id is the blank or outside ``0 <= id < classes``.
        """
        return self.separator.join(self._token(index(token_id), position) for position, token_id in enumerate(ids))

    def to_dict(self) -> dict[str, Any]:
        """A form for JSON; ``from_dict`` reads it back."""
        return {"tokens": list(self.tokens), "blank": self.blank, "separator": self.separator}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """Reads what ``to_dict`` wrote.

        Raises:
          ValueError: keys are missing or unknown, or the tokens make no alphabet.
        """
        if set(saved) != {"tokens", "blank", "separator"}:
            raise ValueError(f"a saved alphabet has the keys tokens, blank and separator; this one has {sorted(saved)}")
        return cls(saved["tokens"], saved["blank"], saved["separator"])

    def to_file(self, path: str | Path) -> None:
        """Writes one token per line in UTF-8. Blank and separator are not part of such a file."""
        Path(path).write_bytes("".join(f"{token}\n" for token in self.tokens).encode())

    @classmethod
    def from_file(cls, path: str | Path, blank: BlankPlace = "first", separator: str = "") -> Self:
        """Reads one token per line, UTF-8.

        Only line breaks (LF or CRLF) and a byte order mark are taken off, so a line with one space is the space token.

        Args:
          path: the file.
          blank: where the blank goes.
          separator: the character that texts have between tokens.

        Raises:
          ValueError: a line is empty, repeats a token or is not UTF-8 (with file and line), or the tokens make no
            alphabet.
        """
        lines = Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
        if not lines[-1]:
            lines.pop()  # what follows the last line break is no line
        first_lines: dict[str, int] = {}
        for number, line in enumerate(lines, start=1):
            token = _read_token(line.removesuffix(b"\r"), f"{path}:{number}")
            if token in first_lines:
                raise ValueError(
                    f"{path}:{number}: token {token!r} is already on line {first_lines[token]}: remove one of them"
                )
            first_lines[token] = number
        try:
            return cls(tuple(first_lines), blank, separator)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def _token(self, token_id: int, position: int) -> str:
        if token_id == self.blank_id:
            raise ValueError(f"id {token_id} at position {position} is the blank: pass ids without blanks and padding")
        if not 0 <= token_id < self.classes:
            raise ValueError(
                f"id {token_id} at position {position} is outside 0 to {self.classes - 1}: "
                "these ids were made with another alphabet"
            )
        return self.tokens[token_id - 1 if self.blank == "first" else token_id]


def _check_token(token: str, place: int, separator: str) -> None:
    if not token:
        raise ValueError(f"token {place} is empty: remove it (the blank is no token, it is added by itself)")
    if _UNWRITABLE.search(token):
        raise ValueError(
            f"token {token!r} cannot be a line of a UTF-8 file: remove line breaks and unpaired surrogates"
        )
    if separator and separator in token:
        raise ValueError(f"token {token!r} holds the separator {separator!r}: choose another separator")
    if len(token) > 1 and not separator:
        raise ValueError(
            f"token {token!r} has {len(token)} characters, so texts need a separator between tokens: "
            "pass separator=' ' (or another character that no token holds)"
        )


def _read_token(line: bytes, where: str) -> str:
    if not line:
        raise ValueError(f"{where}: the line is empty: remove it, or put back the space if that was the token")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{where}: {line!r} is not UTF-8: save the file as UTF-8") from None


DIGITS = Alphabet(string.digits)
"""The ten digits."""

PRICE = Alphabet(string.digits + ".")
"""Digits and the decimal point."""

ARITHMETIC = Alphabet(string.digits + "+-*()=")
"""Expressions of whole numbers."""

LATIN_36 = Alphabet(string.digits + string.ascii_lowercase)
"""Digits and lower case: the classes of Shi, Bai and Yao 2015 (CRNN), section 3.2."""

LATIN_62 = Alphabet(string.digits + string.ascii_lowercase + string.ascii_uppercase)
"""Digits, lower case, upper case."""

LATIN_94 = Alphabet(string.digits + string.ascii_lowercase + string.ascii_uppercase + string.punctuation)
"""Printable ASCII without the space, in the order of ASTER, deep-text-recognition-benchmark and PARSeq."""

CHINESE_PLATES = Alphabet(
    "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
    + string.digits
    + "ABCDEFGHJKLMNPQRSTUVWXYZ"
    + "IO",
    blank="last",
)
"""31 provinces, digits, letters, and the letters I and O that plates avoid: the order of LPRNet_Pytorch's ``CHARS``."""

CHINESE_PLATES_65 = Alphabet(CHINESE_PLATES.tokens[:-2])
"""31 provinces, 10 digits and the 24 letters that plates use: with the blank, the 66 classes of US 12,387,506."""

MUSIC_PITCHES = Alphabet([f"{note}{octave}" for octave in (3, 4, 5, 6) for note in "CDEFGAB"], separator=" ")
"""Natural notes C3 to B6 (C4 is the middle C): the pitches of Shi, Bai and Yao 2015, section 3.4, no accidentals."""
