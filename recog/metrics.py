"""How well texts were read: counts that add up over batches, hosts and data sets, and the rates made from them."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import astuple, dataclass
from operator import add
from typing import Self

from rapidfuzz.distance import Levenshtein

TOO_FEW_TO_GUESS = 20
"""Below this many samples, an accuracy of zero may be chance: no hint is given."""


@dataclass(frozen=True, slots=True)
class ReadingCounts:
    """Mergeable counts over pairs of label and prediction.

    Example:
      >>> counts = ReadingCounts.of(["12.50", "7"], ["12.80", "7"])
      >>> counts.accuracy
      0.5
      >>> (counts + ReadingCounts.of(["3"], ["3"])).report()["count"]
      3

    Every rate of no samples is 0.0, because JSON has no NaN: look at ``count`` first.
    """

    count: int = 0
    """Samples."""
    exact: int = 0
    """Samples read without any error."""
    edits: int = 0
    """Insertions, deletions and substitutions of one token that turn the predictions into the labels (Levenshtein)."""
    label_tokens: int = 0
    """Tokens in all labels."""
    ned_sum: float = 0.0
    """Sum of the normalised edit distances: a sample's edits over the tokens of the longer of label and prediction."""
    same_length: int = 0
    """Samples whose prediction has as many tokens as the label."""

    @classmethod
    def of(cls, labels: Sequence[Sequence[Hashable]], predictions: Sequence[Sequence[Hashable]]) -> Self:
        """Compares predictions with labels, sample by sample.

        Args:
          labels: token sequences; a string is the sequence of its characters.
          predictions: as many token sequences.

        Raises:
          ValueError: there are not as many predictions as labels.
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
            ned_sum=edits / max(len(label), len(prediction), 1),
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
        return 1 - self.ned_sum / self.count if self.count else 0.0

    @property
    def cer(self) -> float:
        """Character error rate: edits over label tokens. Above 1 where predictions are much too long.

        Labels without any token count as one token together, so that the rate stays finite.
        """
        return self.edits / max(self.label_tokens, 1)

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
            "length_consistency": self.length_consistency,
        }


def zero_accuracy_hint(labels: Sequence[str], predictions: Sequence[str]) -> str | None:
    """Guesses why nothing at all was read right.

    Args:
      labels: what was to be read.
      predictions: what was read, one for each label.

    Returns:
      One sentence with the likely cause and its mend; None when some sample was read right, when there are fewer than
      ``TOO_FEW_TO_GUESS`` samples or when nothing stands out.
    """
    pairs = list(zip(labels, predictions, strict=True))
    if len(pairs) < TOO_FEW_TO_GUESS or any(label == prediction for label, prediction in pairs):
        return None
    for cause in (_same_prediction_cause, _folding_cause, _reordered_cause, _unseen_cause):
        found = cause(pairs)
        if found:
            return f"none of {len(pairs)} samples was read right: {found}"
    return None


_Pairs = list[tuple[str, str]]
"""Label and prediction of each sample."""

_FOLDINGS: tuple[tuple[Callable[[str], str], str], ...] = (
    (str.casefold, "upper and lower case: fold the labels, or train with an alphabet that holds both"),
    (lambda text: "".join(text.split()), "white space: strip it from the labels, or put the space into the alphabet"),
    (
        lambda text: unicodedata.normalize("NFKC", text),
        "Unicode form (full width, ligatures, combining marks): bring labels and alphabet to one form, such as NFKC",
    ),
)
"""What to overlook, and what to say when most predictions are right once it is."""


def _same_prediction_cause(pairs: _Pairs) -> str | None:
    """Predictions that do not depend on the image."""
    distinct = {prediction for _, prediction in pairs}
    if distinct == {""}:
        return (
            "every prediction is empty, as in the first phase of CTC training, when the blank wins every frame: "
            "train longer, or lower the learning rate if the loss has stopped falling"
        )
    if len(distinct) == 1:
        return (
            f"every prediction is {distinct.pop()!r}, whatever the image: "
            "look at the images that reach the model, then lower the learning rate"
        )
    return None


def _folding_cause(pairs: _Pairs) -> str | None:
    """Predictions that are right but for their writing."""
    for fold, difference in _FOLDINGS:
        if 2 * sum(fold(label) == fold(prediction) for label, prediction in pairs) >= len(pairs):
            return f"most predictions differ from their labels only in {difference}"
    return None


def _reordered_cause(pairs: _Pairs) -> str | None:
    """Tokens that stand for one another, one to one: ids decoded with another alphabet than they were learned with."""
    counterparts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    aligned = [(label, prediction) for label, prediction in pairs if len(label) == len(prediction)]
    for label, prediction in aligned:
        for token, counterpart in zip(label, prediction, strict=True):
            counterparts[token][counterpart] += 1
    usual = {token: found.most_common(1)[0] for token, found in counterparts.items()}
    one_to_one = len({counterpart for counterpart, _ in usual.values()}) == len(usual)
    explained = sum(times for _, times in usual.values())
    tokens = sum(len(label) for label, _ in aligned)
    if 2 * len(aligned) < len(pairs) or not one_to_one or explained < 0.9 * tokens:
        return None
    shown = ", ".join(f"{token!r} as {counterpart!r}" for token, (counterpart, _) in sorted(usual.items())[:3])
    return (
        f"tokens are swapped one for one ({shown}): "
        "read with the very alphabet, order and place of the blank included, that the model was trained with"
    )


def _unseen_cause(pairs: _Pairs) -> str | None:
    """A token in every label that no prediction ever holds."""
    predicted = {token for _, prediction in pairs for token in prediction}
    missing = [set(label) - predicted for label, _ in pairs]
    if not all(missing):
        return None
    shown = ", ".join(
        repr(token) for token, _ in Counter(t for tokens in missing for t in sorted(tokens)).most_common(8)
    )
    return f"every label holds a token that no prediction holds ({shown}): check that the alphabet has them all"
