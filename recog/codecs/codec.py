"""The protocol of codecs: what a label is, how it becomes arrays, and how predictions are shown."""

from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
from jaxtyping import Array, Float

Problems = dict[str, str]
"""Reasons why a sample cannot be used, by kind; empty for a usable one."""

Prediction = dict[str, Any]
"""Arrays by name, each with a leading batch axis: what a task predicts and an exported program returns."""

EMPTY = "empty_label"
OUTSIDE = "out_of_alphabet"
UNKNOWN_CLASS = "unknown_class"
TOO_LONG = "label_too_long"
INFEASIBLE = "infeasible"
WRONG_KIND = "wrong_kind_of_label"


class Reading(NamedTuple):
    """What one picture was predicted to show, for people: a table's row, a caption, a line of a server's answer."""

    text: str
    confidence: float
    """Probability that the text is right, 0 to 1."""


class CardText(NamedTuple):
    """What a model card says of a codec and of the program's outputs; Markdown."""

    title: str
    """What the model does, to follow its name: ``reads one line of text``."""
    classes: str
    outputs: str
    example: str
    """Lines of Python that turn ``found``, the program's outputs, into text; ``codec`` is the codec's JSON."""


class Codec(Protocol):
    """Turns labels of one kind into arrays of fixed shape and back; lives on the host.

    Targets are a flat ``NamedTuple`` of arrays, so that batches can be filled field by field.
    """

    kind: ClassVar[str]
    """Name of the kind of label in JSON."""
    compared: ClassVar[tuple[str, ...]]
    """Names of the outputs in which an exported program must agree with its model: whole numbers exactly."""

    @property
    def units(self) -> tuple[str, ...]:
        """All that labels can be made of: tokens, class names."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that a model emits scores for, in their order; a blank has an empty name."""
        ...

    @property
    def classes(self) -> int:
        """Number of these classes."""
        ...

    def split(self, label: Any) -> list[str]:
        """The units of a label, known or not."""
        ...

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Reasons why this label cannot be encoded.

        Args:
          label: as its source has it.
          size: height and width of the picture in pixels, scaled to the model's input.
        """
        ...

    def encode(self, label: Any) -> Any:
        """Targets of one label.

        Raises:
          ValueError: the label has one of the `problems`.
        """
        ...

    def zeros(self, rows: int) -> Any:
        """Targets of ``rows`` rows that hold no sample yet, as NumPy arrays."""
        ...

    def show(self, targets: Any) -> list[str]:
        """The labels of a batch of targets as text, on the host."""
        ...

    def readings(self, prediction: Prediction) -> list[Reading]:
        """The rows of a batch of predictions as text, on the host."""
        ...

    def moved(self, targets: Any, maps: Float[Array, "B 3 3"]) -> Any:
        """Targets after each picture's points moved by its homography; a pure function of arrays, on the device.

        Args:
          targets: of a batch.
          maps: from pixels of the picture as it was to pixels as it is, (x, y, 1) as a column.
        """
        ...

    def for_measuring(self) -> Self:
        """The codec for samples to measure on, which may have labels that are too long to learn from."""
        ...

    def extended(self) -> Self:
        """The codec with one more class."""
        ...

    def card_text(self) -> CardText:
        """What a model card says."""
        ...

    def to_json(self) -> dict[str, Any]:
        """A form for JSON, its ``kind`` included; `recog.codecs.codec_from_json` reads it back."""
        ...


def fill(targets: Any, row: int, encoded: Any) -> None:
    """Puts one encoded label into its row of a batch's targets, in place."""
    for array, value in zip(targets, encoded, strict=True):
        array[row] = value
