"""Labels that are names of classes, one a picture."""

import dataclasses
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Array, Float, Int

from recog.codecs.codec import UNKNOWN_CLASS, WRONG_KIND, CardText, Prediction, Problems, Reading


class ClassTargets(NamedTuple):
    """Classes by number."""

    classes: Int[Any, " B"]
    """Places of the names in `ClassCodec.names`."""


@dataclasses.dataclass(frozen=True)
class ClassCodec:
    """Encodes class names by their place.

    Example:
      >>> ClassCodec(("cat", "dog")).encode("dog")
      ClassTargets(classes=array(1, dtype=int32))

    Raises:
      ValueError: there are fewer than two names, or one stands there twice or is empty.
    """

    names: tuple[str, ...]
    """In the order of a model's outputs."""

    kind: ClassVar[str] = "classes"
    compared: ClassVar[tuple[str, ...]] = ("probabilities",)

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
        """Labels that are not one of the names."""
        del size
        if not isinstance(label, str):
            return {WRONG_KIND: f"the label is {type(label).__name__}, not a class name: the source does not suit"}
        return {} if label in self.names else {UNKNOWN_CLASS: self._unknown(label)}

    def encode(self, label: Any) -> ClassTargets:
        """The place of a name.

        Raises:
          ValueError: the label is not one of the names.
        """
        if label not in self.names:
            raise ValueError(self._unknown(label))
        return ClassTargets(np.array(self.names.index(label), np.int32))

    def zeros(self, rows: int) -> ClassTargets:
        """Rows of the first class, to be filled or masked."""
        return ClassTargets(np.zeros(rows, np.int32))

    def show(self, targets: ClassTargets) -> list[str]:
        """The names."""
        return [self.names[place] for place in np.asarray(targets.classes).tolist()]

    def readings(self, prediction: Prediction) -> list[Reading]:
        """The most probable name of each row with its probability."""
        probabilities = np.asarray(prediction["probabilities"])
        best = probabilities.argmax(axis=1)
        return [Reading(self.names[place], float(row[place])) for place, row in zip(best, probabilities, strict=True)]

    def moved(self, targets: ClassTargets, maps: Float[Array, "B 3 3"]) -> ClassTargets:
        """The same targets: a class stays what it is wherever it stands."""
        del maps
        return targets

    def for_measuring(self) -> Self:
        """The codec itself."""
        return self

    def extended(self) -> Self:
        """With one more name."""
        return dataclasses.replace(self, names=(*self.names, "".join(self.names)))

    def card_text(self) -> CardText:
        """What a model card says of a classifier."""
        names = " ".join(f"`{name}`" for name in self.names)
        return CardText(
            title="tells classes of pictures apart",
            classes=f"{self.classes} classes, in the order of the outputs: {names}",
            outputs="`probabilities` float32 `B K` (they sum to 1), `logits` float32 `B K` (before the softmax).",
            example='text = codec["names"][int(found["probabilities"][0].argmax())]',
        )

    def to_json(self) -> dict[str, Any]:
        """The names."""
        return {"kind": self.kind, "names": list(self.names)}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Reads what `to_json` wrote."""
        return cls(tuple(saved["names"]))

    def _unknown(self, label: Any) -> str:
        shown = ", ".join(self.names[:8]) + (", ..." if len(self.names) > 8 else "")
        return f"label {label!r} is not one of the {self.classes} classes {shown}: add it or drop the sample"
