r"""Regular expressions over the tokens of an alphabet, compiled to automata.

The syntax is the common part of Python's `re`: characters, ``.``, ``[A-Z0-9]`` and ``[^...]``, groups ``(a|b)``, and
the repetitions ``? * + {2} {2,} {2,5}``. ``\`` before a character takes it literally; ``\d`` is a decimal digit. A
pattern matches whole texts.
"""

from collections.abc import Iterable
from typing import NamedTuple, NoReturn

import numpy as np

from recog.alphabet import Alphabet
from recog.ctc.automaton import NONE, Automaton

MOST = 255
"""Maximum number of repetitions in braces."""
SPECIAL = set(".[](){}?*+|\\")
STATES = 20_000
"""Maximum number of states of a compiled pattern, and of the nondeterministic automaton that it is made from."""
STEPS = 3_000_000
"""Maximum number of transitions and states that are looked at for the states of a pattern, a few seconds' work."""


class PatternError(ValueError):
    """A pattern is malformed, or matches no text of the alphabet."""


def compile_pattern(pattern: str, alphabet: Alphabet) -> Automaton:
    """Compiles a pattern.

    Args:
      pattern: regular expression that whole texts must match.
      alphabet: alphabet of single characters.

    Raises:
      PatternError: malformed, too large, holds a character that the alphabet lacks, or matches no text.
    """
    if alphabet.separator:
        raise PatternError("patterns are over single characters: this alphabet has tokens of several characters")
    nfa = _Nfa(pattern)
    try:
        start, end = _Parser(pattern, alphabet.tokens, nfa).parse()
    except RecursionError:
        raise PatternError(f"pattern {pattern!r:.200} has too many groups within each other: leave some out") from None
    automaton = _determine(nfa, start, end, alphabet).trimmed()
    if not (np.isfinite(automaton.final[0]) or (automaton.following[0] >= 0).any()):
        raise PatternError(f"pattern {pattern!r} matches no text")
    return automaton


class _Nfa:
    """Nondeterministic automaton: transitions by sets of tokens, and without a token."""

    def __init__(self, pattern: str):
        self._pattern = pattern
        self._steps = 0
        self.by_token: list[list[tuple[frozenset[str], int]]] = []
        self.free: list[list[int]] = []

    def state(self) -> int:
        if len(self.free) == STATES:
            self.refuse()
        self.by_token.append([])
        self.free.append([])
        return len(self.free) - 1

    def work(self, steps: int) -> None:
        """Counts steps of the subset construction; raises `PatternError` for too many of them."""
        self._steps += steps
        if self._steps > STEPS:
            self.refuse()

    def refuse(self) -> NoReturn:
        """Raises `PatternError` for a pattern that is too large."""
        raise PatternError(f"pattern {self._pattern!r:.200} needs too many states: shorten its repetitions")

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        """States that can be reached without a token."""
        found = set(states)
        left = list(found)
        while left:
            for following in self.free[left.pop()]:
                if following not in found:
                    found.add(following)
                    left.append(following)
        self.work(len(found))
        return frozenset(found)


class _Part(NamedTuple):
    """Part of an automaton that matches a part of the pattern."""

    start: int
    end: int


class _Parser:
    """Recursive descent over a pattern, which builds Thompson's automaton."""

    def __init__(self, pattern: str, tokens: tuple[str, ...], nfa: _Nfa):
        self._pattern, self._tokens, self._nfa = pattern, tokens, nfa
        self._place = 0
        self._sets: dict[frozenset[str], frozenset[str]] = {}
        """Sets of tokens, equal ones once, so that they are compared by identity."""

    def parse(self) -> _Part:
        """Parses the whole pattern."""
        part = self._alternatives()
        if self._place < len(self._pattern):
            self._fail("closes a group that is not open")
        return part

    def _alternatives(self) -> _Part:
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else self._either(parts)

    def _sequence(self) -> _Part:
        whole = _Part(*[self._nfa.state()] * 2)
        while self._place < len(self._pattern) and self._pattern[self._place] not in "|)":
            whole = self._joined(whole, self._repeated())
        return whole

    def _repeated(self) -> _Part:
        begin = self._place
        part = self._atom()
        after = self._place
        bounds = self._repetition()
        while bounds:
            low, high = bounds
            if (high is not None and (high < low or high > MOST)) or low > MOST:
                self._fail(f"repeats {low} to {high} times: choose increasing numbers up to {MOST}")
            part = self._repeat(part, begin, after, low, high)
            begin, after = begin, self._place
            bounds = self._repetition()
            if bounds:
                self._fail("repeats a repetition: put a group around the first")
        return part

    def _repetition(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("?", (0, 1)), ("*", (0, None)), ("+", (1, None))):
            if self._take(sign):
                return bounds
        if not self._take("{"):
            return None
        end = self._pattern.find("}", self._place)
        low, comma, high = self._pattern[self._place : max(end, self._place)].partition(",")
        if end < 0 or not low.isdecimal() or not (high.isdecimal() or not high):
            self._fail("has braces that hold no numbers: write {2}, {2,} or {2,5}")
        self._place = end + 1
        return int(low), int(high) if high else None if comma else int(low)

    def _repeat(self, first: _Part, begin: int, end: int, low: int, high: int | None) -> _Part:
        """Repeats the part between two places of the pattern, of which one copy has been built."""
        copies = max(low, 1 if high is None else high)
        if not copies:
            return _Part(*[self._nfa.state()] * 2)
        parts = [first, *(self._again(begin, end) for _ in range(copies - 1))]
        whole = parts[0]
        exit_ = self._nfa.state()
        if low == 0:
            self._nfa.free[whole.start].append(exit_)
        for number, part in enumerate(parts, 1):
            if number > 1:
                whole = self._joined(whole, part)
            if number >= low:
                self._nfa.free[part.end].append(exit_)
        if high is None:
            self._nfa.free[parts[-1].end].append(parts[-1].start)
        return _Part(whole.start, exit_)

    def _again(self, begin: int, end: int) -> _Part:
        after, self._place = self._place, begin
        part = self._atom()
        assert self._place == end
        self._place = after
        return part

    def _atom(self) -> _Part:
        if self._take("("):
            if self._pattern.startswith("?:", self._place):
                self._place += 2
            part = self._alternatives()
            if not self._take(")"):
                self._fail("has a group that is not closed")
            # Loops into the part and out of it must not meet those within it.
            return self._joined(self._joined(_Part(*[self._nfa.state()] * 2), part), _Part(*[self._nfa.state()] * 2))
        if self._take("["):
            return self._one_of(self._members())
        if self._take("."):
            return self._one_of(set(self._tokens))
        return self._one_of(self._character("?*+{})|"))

    def _members(self) -> set[str]:
        """Tokens of a class in brackets."""
        negated, members = self._take("^"), set[str]()
        while not self._take("]"):
            low = self._character("")
            if self._pattern.startswith("-", self._place) and not self._pattern.startswith("-]", self._place):
                self._place += 1
                high = self._character("")
                if len(low) > 1 or len(high) > 1:
                    self._fail("has a range of which an end is no single character")
                members |= self._range(*low, *high)
            else:
                members |= low
        return set(self._tokens) - members if negated else members

    def _range(self, low: str, high: str) -> set[str]:
        if low > high:
            self._fail(f"has the range {low}-{high}, which is empty")
        members = {token for token in self._tokens if low <= token <= high}
        if not members:
            self._fail(f"has the range {low}-{high}, of which the alphabet has no character")
        return members

    def _character(self, reserved: str) -> set[str]:
        """Tokens of one character of the pattern."""
        if self._place >= len(self._pattern):
            self._fail("ends within a class or a group")
        character = self._pattern[self._place]
        if character in reserved:
            self._fail(f"has {character!r} where a character is expected: write \\{character}")
        self._place += 1
        if character == "\\":
            if self._place >= len(self._pattern):
                self._fail("ends in a backslash")
            character = self._pattern[self._place]
            self._place += 1
            if character == "d":
                return {token for token in self._tokens if token.isdecimal()}
            if character.isalnum():
                self._fail(f"has \\{character}, which is not known: only \\d is")
        return {character}

    def _one_of(self, members: set[str]) -> _Part:
        if unknown := sorted(members - set(self._tokens)):
            self._fail(f"holds {', '.join(map(repr, unknown))}, which the alphabet lacks")
        part = _Part(self._nfa.state(), self._nfa.state())
        own = frozenset(members)
        self._nfa.by_token[part.start].append((self._sets.setdefault(own, own), part.end))
        return part

    def _either(self, parts: list[_Part]) -> _Part:
        whole = _Part(self._nfa.state(), self._nfa.state())
        for part in parts:
            self._nfa.free[whole.start].append(part.start)
            self._nfa.free[part.end].append(whole.end)
        return whole

    def _joined(self, one: _Part, other: _Part) -> _Part:
        self._nfa.free[one.end].append(other.start)
        return _Part(one.start, other.end)

    def _take(self, sign: str) -> bool:
        found = self._pattern.startswith(sign, self._place)
        self._place += found
        return found

    def _fail(self, reason: str) -> None:
        raise PatternError(f"pattern {self._pattern!r} {reason} (at character {self._place})")


def _determine(nfa: _Nfa, start: int, end: int, alphabet: Alphabet) -> Automaton:
    """Builds the deterministic automaton by the subset construction."""
    first = 1 if alphabet.blank == "first" else 0
    ids = {token: number for number, token in enumerate(alphabet.tokens, first)}
    initial = nfa.closure([start])
    numbers, rows, subsets = {initial: 0}, [], [initial]
    for subset in subsets:  # grows
        row = np.full(alphabet.classes, NONE, np.int32)
        by_members: dict[frozenset[str], set[int]] = {}
        for state in subset:
            for members, following in nfa.by_token[state]:
                by_members.setdefault(members, set()).add(following)
        reached: dict[str, set[int]] = {}
        for members, following in by_members.items():
            nfa.work(len(members) * (1 + len(following) // 8))  # sets are joined about so much faster
            for token in members:
                reached.setdefault(token, set()).update(following)
        closures: dict[frozenset[int], frozenset[int]] = {}
        for token, following in reached.items():
            direct = frozenset(following)
            closed = closures.get(direct) or closures.setdefault(direct, nfa.closure(direct))
            if closed not in numbers:
                numbers[closed] = len(numbers)
                subsets.append(closed)
            row[ids[token]] = numbers[closed]
        rows.append(row)
        if len(subsets) > STATES:
            nfa.refuse()
    final = [0.0 if end in subset else -np.inf for subset in subsets]
    return Automaton(np.stack(rows), np.zeros((len(rows), alphabet.classes), np.float32), np.array(final, np.float32))
