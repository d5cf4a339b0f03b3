"""Class labels: one class name per picture."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Float, Int

from recog.codecs.codec import UNKNOWN_CLASS, WRONG_KIND, CardText, Prediction, Problems, Reading
from recog.unknown_tokens import shortened

Losses = Callable[[Int[Any, " B"]], Float[Any, " B"]]
"""Function from a class for each row to the loss of each row."""


class ClassTargets(NamedTuple):
    """Class indices."""

    classes: Int[Any, " B"]
    """Indices into `ClassCodec.names`."""

    def average(self, losses_of: Losses) -> Float[Any, " B"]:
        """Losses of the classes."""
        return losses_of(self.classes)


class MixedClassTargets(NamedTuple):
    """Classes of pictures that augmentation mixed from two; on the device only."""

    classes: Int[Any, " B"]
    """Class of the picture with the larger weight."""
    partners: Int[Any, " B"]
    """Class of the other picture."""
    weights: Float[Any, " B"]
    """Weight of the first picture, 0.5 to 1."""

    def average(self, losses_of: Losses) -> Float[Any, " B"]:
        """Losses of both classes, weighted; the loss of a mixed target, because cross-entropy is linear in it."""
        return self.weights * losses_of(self.classes) + (1 - self.weights) * losses_of(self.partners)


@dataclasses.dataclass(frozen=True)
class ClassCodec:
    """Encodes class names by their index.

    Example:
      >>> ClassCodec(("cat", "dog")).encode("dog")
      ClassTargets(classes=array(1, dtype=int32))

    Raises:
      ValueError: fewer than two names, a duplicate, or an empty name.
    """

    names: tuple[str, ...]
    """Class names, in the order of a model's outputs."""

    kind: ClassVar[str] = "classes"
    compared: ClassVar[tuple[str, ...]] = ("probabilities",)
    of_whole_pictures: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if len(self.names) < 2:
            raise ValueError(f"classes={self.names!r}: give two names or more")
        if len(set(self.names)) < len(self.names) or not all(self.names):
            raise ValueError(f"classes={self.names!r}: give each name once, and none that is empty")

    @property
    def units(self) -> tuple[str, ...]:
        """The names."""
        return self.names

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names."""
        return self.names

    @property
    def classes(self) -> int:
        """Number of names."""
        return len(self.names)

    def split(self, label: Any) -> list[str]:
        """The name itself."""
        return [str(label)]

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Finds labels that are not one of the names."""
        del size
        if not isinstance(label, str):
            return {
                WRONG_KIND: f"the label is {type(label).__name__}, not a class: the source does not suit a classifier"
            }
        return {} if label in self.names else {UNKNOWN_CLASS: self._unknown(label)}

    def remarks(self, label: Any) -> Problems:
        """No remarks."""
        del label
        return {}

    def scaled(self, label: Any, across: float, down: float) -> Any:
        """Returns the label unchanged."""
        del across, down
        return label

    def encode(self, label: Any) -> ClassTargets:
        """Index of a class name.

        Raises:
          ValueError: the label is not one of the names.
        """
        if label not in self.names:
            raise ValueError(self._unknown(label))
        return ClassTargets(np.array(self.names.index(label), np.int32))

    def zeros(self, rows: int) -> ClassTargets:
        """Targets of rows that all hold the first class, to be filled or masked."""
        return ClassTargets(np.zeros(rows, np.int32))

    def show(self, targets: ClassTargets) -> list[str]:
        """Class name of each row."""
        return [self.names[place] for place in np.asarray(targets.classes).tolist()]

    def readings(self, prediction: Prediction) -> list[Reading]:
        """Most probable class name of each row, with its probability."""
        return [readings[0] for readings in self.lists(prediction, 1)]

    def lists(self, prediction: Prediction, count: int) -> list[list[Reading]]:
        """The ``count`` most probable class names of each row, best first; all names if there are fewer."""
        probabilities = np.asarray(prediction["probabilities"])
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
        return [
            [Reading(self.names[place], float(row[place])) for place in places]
            for places, row in zip(best, probabilities, strict=True)
        ]

    def paired(self, one: Prediction, other: Prediction) -> tuple[Prediction, Prediction]:
        """The predictions themselves: their order is fixed."""
        return one, other

    def moved(self, targets: ClassTargets, maps: Float[Any, "B 3 3"], sizes: Int[Any, "B 2"]) -> ClassTargets:
        """Unchanged targets: the class of a picture does not depend on positions."""
        del maps, sizes
        return targets

    def for_measuring(self) -> Self:
        """The codec itself."""
        return self

    def extended(self) -> Self:
        """A codec with one more class name."""
        return dataclasses.replace(self, names=(*self.names, "".join(self.names)))

    def card_text(self) -> CardText:
        """Texts for the model card of a classifier."""
        names = " ".join(f"`{name}`" for name in self.names)
        return CardText(
            title="classifies pictures",
            classes=f"{self.classes} classes, in the order of the outputs: {names}",
            outputs=(
                "`probabilities` float32 `B K`: the softmax of `logits` float32 `B K`, or their sigmoids, which need\n"
                "not sum to 1, if the settings say `loss=sigmoid`."
            ),
            example='text = codec["names"][int(found["probabilities"][0].argmax())]',
        )

    def to_json(self) -> dict[str, Any]:
        """Class names, for JSON."""
        return {"kind": self.kind, "names": list(self.names)}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Loads the form that `to_json` returns."""
        return cls(tuple(saved["names"]))

    def _unknown(self, label: Any) -> str:
        shown = ", ".join(self.names[:8]) + (", ..." if len(self.names) > 8 else "")
        return f"label {shortened(label)} is not one of the {self.classes} classes {shown}: add it or drop the sample"
