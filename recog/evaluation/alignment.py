"""Label and reading aligned token by token: confusions, and precision, recall and F1 of each token."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Int
from rapidfuzz.distance import Levenshtein

Pair = tuple[Hashable | None, Hashable | None]
"""Token of the label and token that was read in its place: None where one was inserted, or one was missed."""


def align(label: Sequence[Hashable], text: Sequence[Hashable]) -> list[Pair]:
    """Aligns a reading with its label by a shortest sequence of edits (Levenshtein), always the same one of equals.

    Example:
      >>> align("12.50", "2.580")
      [('1', None), ('2', '2'), ('.', '.'), ('5', '5'), (None, '8'), ('0', '0')]

    Args:
      label: tokens of the label; a string is the sequence of its characters.
      text: tokens that were read.

    Returns:
      Pairs of tokens in order; the token is None in the label's place where the reader inserted one, and in the
      reading's place where it missed one.
    """
    ids = {token: place for place, token in enumerate(dict.fromkeys([*label, *text]))}
    edits = Levenshtein.opcodes([ids[token] for token in label], [ids[token] for token in text])
    return [
        pair
        for edit in edits
        for pair in zip_longest(label[edit.src_start : edit.src_end], text[edit.dest_start : edit.dest_end])
    ]


class Rates(NamedTuple):
    """Precision, recall and F1, 0 to 1; 0 where there is nothing to divide by."""

    precision: float
    """Share of right tokens among those read."""
    recall: float
    """Share of right tokens among those of the labels."""
    f1: float
    """Harmonic mean of precision and recall."""


class TokenRates(NamedTuple):
    """Rates of one token, 0 to 1; 0 where there is nothing to divide by."""

    token: Hashable
    support: int
    """Number of occurrences in labels."""
    precision: float
    """Share of right tokens among those read as this token."""
    recall: float
    """Share of right tokens among the occurrences of this token in labels."""
    f1: float
    """Harmonic mean of precision and recall."""


@dataclass(frozen=True)
class AlignedCounts:
    """Mergeable counts over aligned pairs of label token and read token.

    Example:
      >>> counts = AlignedCounts.of(["B8", "88"], ["88", "88"])
      >>> counts.confused(1)
      [('B', '8', 1)]
      >>> counts.rows()[0]
      TokenRates(token='8', support=3, precision=0.75, recall=1.0, f1=0.8571428571428571)
    """

    pairs: Mapping[Pair, int] = field(default_factory=Counter)
    """Number of occurrences of each pair."""

    @classmethod
    def of(cls, labels: Sequence[Sequence[Hashable]], texts: Sequence[Sequence[Hashable]]) -> Self:
        """Aligns readings with labels, sample by sample.

        Args:
          labels: token sequences; a string is the sequence of its characters.
          texts: as many token sequences that were read.

        Raises:
          ValueError: the numbers of labels and texts differ.
        """
        if len(labels) != len(texts):
            raise ValueError(f"{len(labels)} labels but {len(texts)} texts: pass one text per label")
        return cls(Counter(pair for both in zip(labels, texts, strict=True) for pair in align(*both)))

    def __add__(self, other: Self) -> Self:
        return type(self)(Counter(self.pairs) + Counter(other.pairs))

    @property
    def substitutions(self) -> int:
        """Number of tokens read as other tokens."""
        return sum(times for _, _, times in self._substituted())

    @property
    def insertions(self) -> int:
        """Number of tokens read where the label has none."""
        return sum(times for (label, _), times in self.pairs.items() if label is None)

    @property
    def deletions(self) -> int:
        """Number of tokens of labels that were missed."""
        return sum(times for (_, read), times in self.pairs.items() if read is None)

    @property
    def true_positives(self) -> Counter[Hashable]:
        """Number of times that each token was read where the label has it."""
        return Counter({label: times for (label, read), times in self.pairs.items() if label == read})

    @property
    def false_positives(self) -> Counter[Hashable]:
        """Number of times that each token was read where the label has another one or none."""
        return self._wrong(1)

    @property
    def false_negatives(self) -> Counter[Hashable]:
        """Number of times that each token of the labels was read as another one or missed."""
        return self._wrong(0)

    def rows(self, tokens: Sequence[Hashable] | None = None) -> list[TokenRates]:
        """Rates of each token that occurs in labels or readings.

        Args:
          tokens: their order, such as that of the alphabet; tokens beyond it follow. Without it, and among those beyond
            it, the most frequent in labels come first.
        """
        right, read_wrong, lost = self.true_positives, self.false_positives, self.false_negatives
        rows = [
            TokenRates(token, right[token] + lost[token], *_rates(right[token], read_wrong[token], lost[token]))
            for token in {**right, **lost, **read_wrong}
        ]
        places = {token: place for place, token in enumerate(tokens or ())}
        return sorted(rows, key=lambda row: (places.get(row.token, len(places)), -row.support, str(row.token)))

    def macro(self) -> Rates:
        """Mean of the rates over the tokens that occur in labels or readings, each with the same weight."""
        rates = np.array([row[2:] for row in self.rows()]).reshape(-1, 3)
        return Rates(*(rates.sum(axis=0) / max(len(rates), 1)).tolist())

    def micro(self) -> Rates:
        """Rates over all occurrences of all tokens."""
        return _rates(self.true_positives.total(), self.false_positives.total(), self.false_negatives.total())

    def confused(self, most: int) -> list[tuple[Hashable, Hashable, int]]:
        """The most frequent substitutions: token of the label, token read, and how often; the most frequent first."""
        return sorted(self._substituted(), key=lambda found: (-found[2], str(found[0]), str(found[1])))[:most]

    def confusion(self, tokens: Sequence[Hashable]) -> Int[np.ndarray, "N+1 N+1"]:
        """Matrix of counts by token of the label (rows) and token read (columns).

        The last row counts tokens inserted, the last column tokens missed. Pairs with a token that is not among
        ``tokens`` are left out.
        """
        places: dict[Hashable | None, int] = {token: place for place, token in enumerate([*tokens, None])}
        matrix = np.zeros((len(places), len(places)), np.int64)
        for (label, read), times in self.pairs.items():
            if label in places and read in places:
                matrix[places[label], places[read]] = times
        return matrix

    def _substituted(self) -> Iterator[tuple[Hashable, Hashable, int]]:
        for (label, read), times in self.pairs.items():
            if label is not None and read is not None and label != read:
                yield label, read, times

    def _wrong(self, side: int) -> Counter[Hashable]:
        """Occurrences of each token of one side of the pairs that differ."""
        found: Counter[Hashable] = Counter()
        for pair, times in self.pairs.items():
            if pair[0] != pair[1] and pair[side] is not None:
                found[pair[side]] += times
        return found


def _rates(right: int, read_wrong: int, lost: int) -> Rates:
    read, support = right + read_wrong, right + lost
    return Rates(right / max(read, 1), right / max(support, 1), 2 * right / max(read + support, 1))
