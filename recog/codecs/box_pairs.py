"""Pairs of equal detections in two predictions for the same pictures, such as those of a model and of its export."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from recog.codecs.codec import Prediction
from recog.rectangles import overlaps

TIE = 1e-4
"""Maximum difference of two scores that rounding errors may put into either order."""
NEAR = 1.0
"""Maximum difference in pixels between the rectangles of a pair; a comparison of the pairs may be stricter."""
SUPPRESSING = 0.25
"""Minimum intersection over union of two detections one of which may have suppressed the other: below the 0.4 to 0.7 at
which detectors suppress."""
UNPAIRED = 0.1
"""Maximum share of detections without a counterpart that may be due to rounding errors."""


class _Pairing(NamedTuple):
    """Slots of two predictions for one picture."""

    pairs: Int[np.ndarray, "P 2"]
    """Slots of the same detection in the one and in the other prediction."""
    only: tuple[Int[np.ndarray, " O"], Int[np.ndarray, " Q"]]
    """Slots of the detections that only the one, and only the other prediction has."""


def paired(one: Prediction, other: Prediction) -> tuple[Prediction, Prediction]:
    """Two predictions with their equal detections in the same slots, to be compared number by number.

    Detectors sort by score, suppress all but the best of overlapping detections, and keep those above a minimum score,
    up to a fixed number. Where scores are nearly equal, rounding errors decide the order, which of two overlapping
    detections stays, and which one is the last. Therefore detections of the same class, score and rectangle are paired
    whatever their order, and detections without a counterpart are left out of both predictions if rounding errors
    explain all of them and they are few. Otherwise they stay, in slots that are empty in the other prediction.

    Args:
      one: ``boxes`` B N 4, ``corners`` B N 4 2, ``classes`` B N, ``scores`` B N, ``mask`` B N; other arrays are kept.
      other: prediction of the same shapes.
    """
    pictures = [(_picture(one, row), _picture(other, row)) for row in range(len(one["mask"]))]
    pairings = [_pair(*pair) for pair in pictures]
    if _explained(pictures, pairings):
        pairings = [pairing._replace(only=(pairing.only[0][:0], pairing.only[1][:0])) for pairing in pairings]
    slots = max((len(pairs) + sum(map(len, only)) for pairs, only in pairings), default=0)
    places = np.full((2, len(pairings), slots), -1)
    for row, (pairs, (own, theirs)) in enumerate(pairings):
        places[:, row, : len(pairs)] = pairs.T
        places[0, row, len(pairs) : len(pairs) + len(own)] = own
        places[1, row, len(pairs) + len(own) : len(pairs) + len(own) + len(theirs)] = theirs
    return _taken(one, places[0]), _taken(other, places[1])


_NAMES = ("boxes", "corners", "classes", "scores", "mask")


def _picture(prediction: Prediction, row: int) -> Prediction:
    return {name: np.asarray(prediction[name][row]) for name in _NAMES}


def _taken(prediction: Prediction, places: Int[np.ndarray, "B S"]) -> Prediction:
    """Detections of the given slots; empty where a place is negative."""
    rows, mask = np.arange(len(places))[:, None], places >= 0
    taken = {name: np.asarray(prediction[name])[rows, places] for name in _NAMES}
    return prediction | {
        name: np.where(mask.reshape(*mask.shape, *[1] * (array.ndim - 2)), array, np.zeros_like(array))
        for name, array in taken.items()
    }


def _pair(one: Prediction, other: Prediction) -> _Pairing:
    """Pairs the detections of one picture, each with the free counterpart whose rectangle differs least."""
    differences = np.abs(one["boxes"][:, None] - other["boxes"]).max(axis=2)
    fits = (one["classes"][:, None] == other["classes"]) & (differences <= NEAR)
    fits &= np.abs(one["scores"][:, None] - other["scores"]) <= TIE
    differences = np.where(fits & one["mask"][:, None] & other["mask"], differences, np.inf)
    pairs = []
    for own in np.flatnonzero(one["mask"]):
        theirs = int(differences[own].argmin())
        if np.isfinite(differences[own, theirs]):
            pairs.append((own, theirs))
            differences[:, theirs] = np.inf
    found = np.array(pairs, int).reshape(-1, 2)
    alone = (np.setdiff1d(np.flatnonzero(p["mask"]), found[:, side]) for side, p in enumerate((one, other)))
    return _Pairing(found, (next(alone), next(alone)))


def _explained(pictures: list[tuple[Prediction, Prediction]], pairings: list[_Pairing]) -> bool:
    """Whether the detections without a counterpart are few, and rounding errors may be the reason for each of them."""
    total = sum(int(p["mask"].sum()) for pair in pictures for p in pair)
    if sum(len(own) + len(theirs) for _, (own, theirs) in pairings) > UNPAIRED * total:
        return False
    scores = [p["scores"][p["mask"]] for pair in pictures for p in pair]
    lowest = float(np.concatenate(scores).min(initial=np.inf))
    return all(
        (_cut_off(a, own, b, lowest) | _suppressed(a, own, b, theirs)).all()
        and (_cut_off(b, theirs, a, lowest) | _suppressed(b, theirs, a, own)).all()
        for (a, b), (_, (own, theirs)) in zip(pictures, pairings, strict=True)
    )


def _cut_off(one: Prediction, alone: Int[np.ndarray, " O"], other: Prediction, lowest: float) -> Bool[np.ndarray, " O"]:
    """Detections of one prediction that the other may lack because of its number of slots or the minimum score.

    The minimum is not known: it is at most the lowest score of any detection.
    """
    scores = one["scores"][alone]
    full = bool(other["mask"].all())
    return (scores <= lowest + TIE) | (full & (scores <= np.min(other["scores"], initial=np.inf) + TIE))


def _suppressed(
    one: Prediction, alone: Int[np.ndarray, " O"], other: Prediction, others: Int[np.ndarray, " Q"]
) -> Bool[np.ndarray, " O"]:
    """Detections of one prediction in whose place the other may have kept an overlapping one of their class and score.

    One tie may have further consequences: what the kept detection suppresses, the other one may not have. Its score is
    lower then, so that any detection of at least that score counts as a reason.
    """
    close = overlaps(one["boxes"][alone], other["boxes"][others]) >= SUPPRESSING
    close &= one["classes"][alone][:, None] == other["classes"][others]
    return np.any(close & (other["scores"][others] >= one["scores"][alone][:, None] - TIE), axis=1)
