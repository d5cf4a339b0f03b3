"""Likely causes of an accuracy of zero."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

TOO_FEW_TO_GUESS = 20
"""Minimum number of samples for a hint; with fewer, an accuracy of zero may be chance."""


def zero_accuracy_hint(labels: Sequence[str], predictions: Sequence[str]) -> str | None:
    """Guesses why no sample was read right.

    Args:
      labels: true texts.
      predictions: predicted texts, one for each label.

    Returns:
      One sentence with the likely cause and its mend; None if any sample was read right, for fewer than
      ``TOO_FEW_TO_GUESS`` samples, or if no cause is found.
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
"""Normalisations of text, each with the hint for predictions that are right after it."""


def _same_prediction_cause(pairs: _Pairs) -> str | None:
    """Detects predictions that do not depend on the image."""
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
    """Detects predictions that differ from their labels only in case, white space or Unicode form."""
    for fold, difference in _FOLDINGS:
        if 2 * sum(fold(label) == fold(prediction) for label, prediction in pairs) >= len(pairs):
            return f"most predictions differ from their labels only in {difference}"
    return None


def _reordered_cause(pairs: _Pairs) -> str | None:
    """Detects tokens swapped one to one: ids decoded with another alphabet than that of training."""
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
        "read with the alphabet that the model was trained with, including token order and position of the blank"
    )


def _unseen_cause(pairs: _Pairs) -> str | None:
    """Detects tokens that occur in every label but in no prediction."""
    predicted = {token for _, prediction in pairs for token in prediction}
    missing = [set(label) - predicted for label, _ in pairs]
    if not all(missing):
        return None
    shown = ", ".join(
        repr(token) for token, _ in Counter(t for tokens in missing for t in sorted(tokens)).most_common(8)
    )
    return f"every label contains a token that no prediction contains ({shown}): check that the alphabet has them all"
