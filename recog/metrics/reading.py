"""Counts over texts and predictions: exact matches, edit distances, lengths."""

from collections.abc import Hashable, Sequence
from dataclasses import astuple, dataclass
from fractions import Fraction
from operator import add
from typing import ClassVar, Self

from rapidfuzz.distance import Levenshtein

from recog.metrics.counts import RateStyle


@dataclass(frozen=True, slots=True)
class ReadingCounts:
    """Mergeable counts over pairs of label and prediction.

    Example:
      >>> counts = ReadingCounts.of(["12.50", "7"], ["12.80", "7"])
      >>> counts.accuracy
      0.5
      >>> (counts + ReadingCounts.of(["3"], ["3"])).report()["count"]
      3

    Rates without samples are 0.0, because JSON has no NaN; check ``count`` first.
    """

    ranks_by: ClassVar[str] = "accuracy"
    ties_by: ClassVar[str] = ""
    style: ClassVar[RateStyle] = RateStyle("accuracy", "acc", "exact match")

    count: int = 0
    """Number of samples."""
    exact: int = 0
    """Number of samples read without any error."""
    edits: int = 0
    """Insertions, deletions and substitutions of one token that turn the predictions into the labels (Levenshtein)."""
    label_tokens: int = 0
    """Number of tokens in all labels."""
    ned_sum: Fraction = Fraction(0)
    """Sum of the normalised edit distances: edits of a sample divided by the tokens of its label or prediction,
    whichever is longer. A fraction, so that the sum does not depend on the order of addition."""
    same_length: int = 0
    """Number of samples whose prediction has as many tokens as the label."""

    @classmethod
    def of(cls, labels: Sequence[Sequence[Hashable]], predictions: Sequence[Sequence[Hashable]]) -> Self:
        """Compares predictions with labels, sample by sample.

        Args:
          labels: token sequences; a string is the sequence of its characters.
          predictions: as many token sequences.

        Raises:
          ValueError: the numbers of labels and predictions differ.
        """
        if len(labels) != len(predictions):
            raise ValueError(f"{len(labels)} labels but {len(predictions)} predictions: pass one prediction per label")
        return sum((cls._of_one(*pair) for pair in zip(labels, predictions, strict=True)), start=cls())

    @classmethod
    def _of_one(cls, label: Sequence[Hashable], prediction: Sequence[Hashable]) -> Self:
        edits = Levenshtein.distance(label, prediction)
        return cls(
            count=1,
            exact=int(edits == 0),
            edits=edits,
            label_tokens=len(label),
            ned_sum=Fraction(edits, max(len(label), len(prediction), 1)),
            same_length=int(len(label) == len(prediction)),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(*map(add, astuple(self), astuple(other)))

    @property
    def accuracy(self) -> float:
        """Share of samples read without any error."""
        return self.exact / max(self.count, 1)

    @property
    def one_minus_ned(self) -> float:
        """1-NED of the ICDAR 2019 robust reading challenges: one minus the mean normalised edit distance, 0 to 1."""
        return float(1 - self.ned_sum / self.count) if self.count else 0.0

    @property
    def cer(self) -> float:
        """Character error rate: edits divided by label tokens; above 1 where predictions are much too long.

        Divides by 1 if the labels have no tokens, so that the rate stays finite.
        """
        return self.edits / max(self.label_tokens, 1)

    @property
    def mean_edit_distance(self) -> float:
        """Mean number of edits of a sample: the average edit distance of the CRNN paper (Shi et al. 2015, Table 4),
        whose fragment accuracy is ``accuracy``.
        """
        return self.edits / max(self.count, 1)

    @property
    def length_consistency(self) -> float:
        """Share of samples whose prediction has the label's length."""
        return self.same_length / max(self.count, 1)

    def report(self) -> dict[str, int | float]:
        """The count and every rate, ready for JSON."""
        return {
            "count": self.count,
            "accuracy": self.accuracy,
            "one_minus_ned": self.one_minus_ned,
            "cer": self.cer,
            "mean_edit_distance": self.mean_edit_distance,
            "length_consistency": self.length_consistency,
        }
