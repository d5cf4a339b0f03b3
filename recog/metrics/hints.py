"""The likely cause when nothing at all was read right."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

TOO_FEW_TO_GUESS = 20
"""Samples below which an accuracy of zero may be chance, so that no hint is given."""


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
