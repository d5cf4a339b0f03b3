"""Error about tokens that an alphabet lacks, with the correction that fits."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from recog.look_alikes import describe, invisible, look_alike, same_digit, strip_ends, without_invisible

if TYPE_CHECKING:
    from recog.alphabet import Alphabet

SHOWN = 8
"""Maximum number of different tokens, and of positions of each, to show in a message."""
LONGEST_SHOWN = 100
"""Maximum number of characters of a text to show in a message."""

QUOTES = ('""', "''", "“”", "‘’", "«»")
"""Pairs of quotation marks around a text."""


class UnknownTokenError(ValueError):
    """Tokens of a text are missing in the alphabet."""

    def __init__(self, text: str, unknown: Sequence[tuple[int, str]], alphabet: "Alphabet") -> None:
        """Stores the parts of the message, so that the error can be pickled between worker processes.

        Args:
          text: the whole text.
          unknown: position (counted in tokens from 0) and token of each one that is not in the alphabet.
          alphabet: the alphabet.
        """
        super().__init__(text, unknown, alphabet)
        self.text = text
        self.unknown = tuple(unknown)
        self.alphabet = alphabet

    def __str__(self) -> str:
        positions: dict[str, list[int]] = defaultdict(list)
        for position, token in self.unknown:
            positions[token].append(position)
        alike = self._alike(positions)
        found = [_at(token, where) + self._facts(token, alike) for token, where in list(positions.items())[:SHOWN]]
        if len(positions) > SHOWN:
            found.append(f"{len(positions) - SHOWN} other tokens")
        return (
            f"text {shortened(self.text)} holds {', '.join(found)}, "
            f"not in the alphabet of {len(self.alphabet.tokens)} tokens: {self._mend(frozenset(positions), alike)}"
        )

    def _alike(self, unknown: Iterable[str]) -> dict[str, str]:
        """Unknown tokens that look like known ones; within ASCII only where it explains all of them: O for 0."""
        alike = {token: other for token in unknown if (other := look_alike(token, self.alphabet.tokens))}
        if self._fits(self._replaced(alike)):
            return alike
        return {token: other for token, other in alike.items() if not (token + other).isascii()}

    def _facts(self, token: str, alike: Mapping[str, str]) -> str:
        """Code points of a token and its resemblance to a known one; empty for plain ASCII that resembles none."""
        if token in alike:
            return f" ({describe(token)}, looks like {alike[token]!r}, which the alphabet has)"
        if other := same_digit(token, self.alphabet.tokens):
            return f" ({describe(token)}, the digit {other} of another script)"
        if invisible(token):
            return f" ({describe(token)}, invisible)"
        return "" if token.isascii() and token.isprintable() and token != " " else f" ({describe(token)})"

    def _mend(self, unknown: frozenset[str], alike: Mapping[str, str]) -> str:
        """Advice: the correction that makes the text fit, or the tokens to add."""
        for where, mend, form in _forms(self.text, self.alphabet.separator):
            if form and form != self.text and self._fits(form):
                return f"{where} it fits, as {shortened(form)}: {mend}, correct the text or drop the sample"
        digits = {token: other for token in unknown if (other := same_digit(token, self.alphabet.tokens))}
        replaced = self._replaced({**digits, **alike})
        if alike:
            if self._fits(replaced):
                return f"replace the look-alikes, as in {shortened(replaced)}, or drop the sample"
            return "replace the look-alikes and add the other tokens to the alphabet, or drop the sample"
        if digits and self._fits(replaced):
            return f"write {shortened(replaced)} if the picture shows these digits, or add the tokens to the alphabet"
        return "add the tokens to the alphabet, correct the text or drop the sample"

    def _fits(self, text: str) -> bool:
        known = frozenset(self.alphabet.tokens)
        return all(token in known for token in self.alphabet.split(text))

    def _replaced(self, others: Mapping[str, str]) -> str:
        return self.alphabet.separator.join(others.get(token, token) for token in self.alphabet.split(self.text))


def _at(token: str, positions: list[int]) -> str:
    listed = ", ".join(map(str, positions[:SHOWN])) + (", ..." if len(positions) > SHOWN else "")
    name = repr(token) if token else "nothing between two separators"
    return f"{name} at position{'s' * (len(positions) > 1)} {listed}"


def _forms(text: str, separator: str) -> list[tuple[str, str, str]]:
    """Forms of a text that may fit where it does not: description, mend and text of each."""
    single = separator.join(filter(None, text.split(separator))) if separator else text
    return [
        ("without white space at its ends", "set data.strip (--config.data.strip=true)", strip_ends(text)),
        ("with one separator between tokens", "remove the others", single),
        ("without its quotation marks", "remove the quotation marks", unquoted(text)),
        ("without its invisible characters", "remove them", without_invisible(text)),
        ("in Unicode's form NFC", "convert the labels to NFC", unicodedata.normalize("NFC", text)),
        ("in Unicode's form NFKC", "convert the labels to NFKC", unicodedata.normalize("NFKC", text)),
        ("in lower case", "set data.lower_case (--config.data.lower_case=true)", text.lower()),
        ("in upper case", "convert the labels to upper case", text.upper()),
    ]


def unquoted(text: str) -> str:
    """Text without the quotation marks around it; unchanged if there are none."""
    return text[1:-1] if len(text) > 2 and text[0] + text[-1] in QUOTES else text


def shortened(text: str) -> str:
    """Representation of a text for messages, cut if it is long."""
    return repr(text) if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]!r}... ({len(text):,} characters)"
