"""Alphabets: tokens to class ids and back. A trained model depends on their order, so it is saved with the model."""

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import index
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from jaxtyping import Int32

from recog.unknown_tokens import UnknownTokenError

BlankPlace = Literal["first", "last"]
"""Position of the CTC blank among the classes: id 0, or the id after all tokens."""

_UNWRITABLE = re.compile("[\n\r\ufeff\ud800-\udfff]")
"""Characters that a token in a UTF-8 file of lines cannot hold: line breaks, byte order marks, lone surrogates."""


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Alphabet:
    """Ordered set of tokens, and the position of the CTC blank among them. Immutable, hashable and picklable.

    Example:
      >>> digits = Alphabet("0123456789")
      >>> digits.encode("407")
      array([5, 1, 8], dtype=int32)
      >>> digits.decode([5, 1, 8])
      '407'
      >>> music = Alphabet(["clef-G2", "note-C4", "barline"], separator=" ")
      >>> music.encode("clef-G2 note-C4").tolist()
      [1, 2]

    Case and Unicode forms are significant: to ignore them, fold the texts before encoding.

    Attributes:
      tokens: the tokens in order, without the blank.
      blank: ``first`` (id 0, as in most papers) or ``last`` (the id after all tokens).
      separator: single character between tokens in a text; empty if every token is one character.
    """

    tokens: tuple[str, ...]
    blank: BlankPlace
    separator: str
    _ids: dict[str, int] = field(compare=False)

    def __init__(self, tokens: Sequence[str], blank: BlankPlace = "first", separator: str = "") -> None:
        """Validates the tokens.

        Args:
          tokens: the tokens in order; a string means its characters.
          blank: position of the blank.
          separator: single character between tokens in a text; required if a token has several characters.

        Raises:
          ValueError: no tokens; a token is empty, repeated, contains the separator or a line break, or has several
            characters without a separator; invalid ``blank`` or ``separator``.
        """
        if blank not in ("first", "last"):
            raise ValueError(f"blank={blank!r}: choose 'first' or 'last'")
        if len(separator) > 1:
            raise ValueError(f"separator {separator!r} has {len(separator)} characters: give one, such as ' '")
        if not tokens:
            raise ValueError("an alphabet needs at least one token")
        seen: dict[str, int] = {}
        for position, token in enumerate(tokens):
            _check_token(token, position, separator)
            if token in seen:
                raise ValueError(f"duplicate token {token!r} at {seen[token]} and {position}: remove one of them")
            seen[token] = position
        first_id = 1 if blank == "first" else 0
        object.__setattr__(self, "tokens", tuple(tokens))
        object.__setattr__(self, "blank", blank)
        object.__setattr__(self, "separator", separator)
        object.__setattr__(self, "_ids", {token: first_id + position for token, position in seen.items()})

    def __repr__(self) -> str:
        shown = (
            repr(self.tokens)
            if len(self.tokens) <= 8
            else f"<{len(self.tokens)} tokens {self.tokens[0]!r} ... {self.tokens[-1]!r}>"
        )
        return f"Alphabet({shown}, blank={self.blank!r}, separator={self.separator!r})"

    @property
    def classes(self) -> int:
        """Number of classes that a model emits: the tokens and the blank."""
        return len(self.tokens) + 1

    @property
    def blank_id(self) -> int:
        """Id of the blank: 0 if first, ``len(tokens)`` if last."""
        return 0 if self.blank == "first" else len(self.tokens)

    def split(self, text: str) -> list[str]:
        """Splits a text into tokens, known or not: at the separator, or into characters without one."""
        return text.split(self.separator) if self.separator and text else list(text)

    def encode(self, text: str) -> Int32[np.ndarray, " L"]:
        """Returns the ids of a text.

        Raises:
          UnknownTokenError: tokens are missing in the alphabet; it names all of them.
        """
        tokens = self.split(text)
        unknown = [(position, token) for position, token in enumerate(tokens) if token not in self._ids]
        if unknown:
            raise UnknownTokenError(text, unknown, self)
        return np.array([self._ids[token] for token in tokens], np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the text of ids without blanks and padding.

        Raises:
          ValueError: an id is the blank or outside ``0 <= id < classes``.
        """
        return self.separator.join(self._token(index(token_id), position) for position, token_id in enumerate(ids))

    def to_dict(self) -> dict[str, Any]:
        """Returns a dictionary for JSON, which ``from_dict`` accepts."""
        return {"tokens": list(self.tokens), "blank": self.blank, "separator": self.separator}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """Restores an alphabet from ``to_dict``.

        Raises:
          ValueError: keys are missing or unknown, or the tokens are invalid.
        """
        if set(saved) != {"tokens", "blank", "separator"}:
            raise ValueError(f"a saved alphabet has the keys tokens, blank and separator; this one has {sorted(saved)}")
        return cls(saved["tokens"], saved["blank"], saved["separator"])

    @classmethod
    def from_file(cls, path: str | Path, blank: BlankPlace = "first", separator: str = "") -> Self:
        """Loads one token per line, UTF-8.

        Only line breaks (LF or CRLF) and a byte order mark are stripped, so a line with one space is the space token.

        Args:
          path: the file.
          blank: position of the blank.
          separator: single character between tokens in a text.

        Raises:
          ValueError: a line is empty, repeats a token or is not UTF-8 (with file and line), or the tokens are invalid.
        """
        lines = Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
        if not lines[-1]:
            lines.pop()  # after the last line break
        first_lines: dict[str, int] = {}
        for number, line in enumerate(lines, start=1):
            token = _decode_line(line.removesuffix(b"\r"), f"{path}:{number}")
            if token in first_lines:
                raise ValueError(
                    f"{path}:{number}: duplicate of token {token!r} on line {first_lines[token]}: remove one of them"
                )
            first_lines[token] = number
        try:
            return cls(tuple(first_lines), blank, separator)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def to_file(self, path: str | Path) -> None:
        """Writes one token per line, UTF-8, for `from_file`; the blank and the separator are not saved."""
        Path(path).write_bytes("".join(f"{token}\n" for token in self.tokens).encode())

    def _token(self, token_id: int, position: int) -> str:
        if token_id == self.blank_id:
            raise ValueError(f"id {token_id} at position {position} is the blank: pass ids without blanks and padding")
        if not 0 <= token_id < self.classes:
            raise ValueError(
                f"id {token_id} at position {position} is outside 0 to {self.classes - 1}: "
                "use the alphabet that encoded these ids"
            )
        return self.tokens[token_id - 1 if self.blank == "first" else token_id]


def fits_a_line(token: str) -> bool:
    """Whether a token can be a line of a file that `Alphabet.from_file` loads."""
    return bool(token) and not _UNWRITABLE.search(token)


def _check_token(token: str, position: int, separator: str) -> None:
    if not token:
        raise ValueError(f"token {position} is empty: remove it (the blank is added automatically)")
    if not fits_a_line(token):
        raise ValueError(
            f"token {token!r} cannot be a line of a UTF-8 file: remove line breaks and unpaired surrogates"
        )
    if separator and separator in token:
        raise ValueError(f"token {token!r} contains the separator {separator!r}: choose another separator")
    if len(token) > 1 and not separator:
        raise ValueError(
            f"token {token!r} has {len(token)} characters, so texts need a separator between tokens: "
            "pass separator=' ' (or another character that no token contains)"
        )


def _decode_line(line: bytes, where: str) -> str:
    if not line:
        raise ValueError(f"{where}: empty line: remove it, or restore the space if that was the token")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{where}: {line!r} is not UTF-8: save the file as UTF-8") from None


DIGITS = Alphabet(string.digits)
"""Ten digits."""

PRICE = Alphabet(string.digits + ".")
"""Digits and the decimal point."""

ARITHMETIC = Alphabet(string.digits + "+-*()=")
"""Digits, operators, parentheses and the equals sign: expressions of whole numbers."""

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
"""31 provinces, digits, letters, and I and O, which plates avoid: the order of LPRNet_Pytorch's ``CHARS``."""

CHINESE_PLATES_65 = Alphabet(CHINESE_PLATES.tokens[:-2])
"""31 provinces, 10 digits and the 24 letters of plates: with the blank, the 66 classes of US 12,387,506."""

MUSIC_PITCHES = Alphabet([f"{note}{octave}" for octave in (3, 4, 5, 6) for note in "CDEFGAB"], separator=" ")
"""Natural notes C3 to B6, C4 being middle C: the pitches of Shi, Bai and Yao 2015, section 3.4, without accidentals."""
