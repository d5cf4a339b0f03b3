"""Predictions for up to millions of samples in little memory."""

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

import numpy as np

from recog.packed import Packed


class Prediction(NamedTuple):
    """Prediction for one sample, as text."""

    id: int
    """Index of the sample in its source."""
    label: str
    """True label."""
    text: str
    """Predicted label."""
    confidence: float
    """Probability that the prediction is right, 0 to 1."""


class Predictions(Sequence[Prediction]):
    """Predictions in the order of the source, whatever the order in which they were added.

    Texts are kept compressed: 25 to 50 bytes for each sample, a twentieth of a list.
    """

    def __init__(self) -> None:
        self._ids, self._confidences = array("i"), array("d")
        self._labels, self._texts = Packed(), Packed()
        self._order: np.ndarray | None = None
        """Places of the predictions in the order of their samples; None before one is asked for."""

    def add(self, prediction: Prediction) -> None:
        """Adds the prediction for a sample."""
        self._ids.append(prediction.id)
        self._confidences.append(prediction.confidence)
        self._labels.append(_encode(prediction.label))
        self._texts.append(_encode(prediction.text))
        self._order = None

    @property
    def order(self) -> np.ndarray:
        """Places, in the order of adding, of the samples in the order of the source; int32."""
        if self._order is None:
            self._order = np.argsort(np.array(self._ids, np.int32), kind="stable").astype(np.int32)
        return self._order

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> list[Prediction]: ...
    def __getitem__(self, index: int | slice) -> Prediction | list[Prediction]:
        places = self.order[index]
        return self._at(int(places)) if isinstance(index, int) else [self._at(place) for place in places.tolist()]

    def __iter__(self) -> Iterator[Prediction]:
        return (self._at(int(place)) for place in self.order)

    def _at(self, place: int) -> Prediction:
        label, text = (texts[place].decode(errors="surrogatepass") for texts in (self._labels, self._texts))
        return Prediction(self._ids[place], label, text, self._confidences[place])


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
