"""Protocol of codecs, which encode labels as arrays and show predictions as text."""

from typing import Any, ClassVar, NamedTuple, Protocol, Self

from jaxtyping import Float, Int

Problems = dict[str, str]
"""Reasons why a sample cannot be used, by kind of problem; empty for a usable sample."""

Prediction = dict[str, Any]
"""Arrays by name with a leading batch axis, as a task predicts and an exported program returns them."""

EMPTY = "empty_label"
OUTSIDE = "out_of_alphabet"
UNKNOWN_CLASS = "unknown_class"
TOO_LONG = "label_too_long"
INFEASIBLE = "infeasible"
WRONG_KIND = "wrong_kind_of_label"


class Reading(NamedTuple):
    """Prediction for one picture as text, for tables, captions and servers."""

    text: str
    confidence: float
    """Probability that the text is right, 0 to 1."""


class CardText(NamedTuple):
    """Parts of a model card that depend on the kind of labels; Markdown."""

    title: str
    """Purpose of the model, to follow its name: ``reads one line of text``."""
    classes: str
    """Number and names of the classes."""
    outputs: str
    """Names, types and shapes of the program's outputs."""
    example: str
    """Lines of Python that turn ``found``, the program's outputs, into text; ``codec`` is the codec's JSON."""


class Codec(Protocol):
    """Encodes labels of one kind as arrays of fixed shape, and decodes them; used on the host.

    Targets are a flat ``NamedTuple`` of arrays, so that batches can be filled field by field.
    """

    kind: ClassVar[str]
    """Name of the kind of label in JSON."""
    compared: ClassVar[tuple[str, ...]]
    """Names of the outputs by which predictions are counted and shown. An exported program must agree with its model in
    them, and exactly in integers."""
    of_whole_pictures: ClassVar[bool]
    """Whether labels stay true for mirror images and crops of pictures, and can be mixed like these."""

    @property
    def units(self) -> tuple[str, ...]:
        """Units that labels may consist of: tokens or class names."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of a model's output classes, in order; the blank has an empty name."""
        ...

    @property
    def classes(self) -> int:
        """Number of output classes, blank included."""
        ...

    def split(self, label: Any) -> list[str]:
        """Units of a label, including unknown ones."""
        ...

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Reasons why this label cannot be encoded.

        Args:
          label: as its source provides it.
          size: height and width of the picture in pixels, scaled to the model's input.
        """
        ...

    def remarks(self, label: Any) -> Problems:
        """Reasons why a label that can be encoded will probably be learnt badly, by kind."""
        ...

    def scaled(self, label: Any, across: float, down: float) -> Any:
        """The label of a picture after scaling.

        Args:
          label: as its source provides it.
          across: factor by which the width changes.
          down: factor by which the height changes.
        """
        ...

    def encode(self, label: Any) -> Any:
        """Encodes one label.

        Raises:
          ValueError: the label cannot be encoded.
        """
        ...

    def zeros(self, rows: int) -> Any:
        """Targets of ``rows`` rows without a sample, as NumPy arrays."""
        ...

    def show(self, targets: Any) -> list[str]:
        """Labels of a batch of targets as text, on the host."""
        ...

    def readings(self, prediction: Prediction) -> list[Reading]:
        """Predictions of a batch as text, on the host."""
        ...

    def paired(self, one: Prediction, other: Prediction) -> tuple[Prediction, Prediction]:
        """Two predictions for the same pictures with equal parts in the same places, for a comparison of their numbers.

        Codecs whose predictions have a fixed order return them unchanged.
        """
        ...

    def moved(self, targets: Any, maps: Float[Any, "B 3 3"], sizes: Int[Any, "B 2"]) -> Any:
        """Targets of pictures warped by homographies; a pure function of arrays, on the device.

        Args:
          targets: targets of a batch.
          maps: homographies from pixels of each original picture to pixels of the warped one, for columns (x, y, 1)
            with pixel centres at integers.
          sizes: height and width of each picture in pixels.
        """
        ...

    def for_measuring(self) -> Self:
        """Codec for evaluation samples, whose labels may be longer than those of training."""
        ...

    def extended(self) -> Self:
        """Codec with one more class."""
        ...

    def card_text(self) -> CardText:
        """Texts for the model card."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Settings for JSON, ``kind`` included; `recog.codecs.codec_from_json` loads them."""
        ...


def fill(targets: Any, row: int, encoded: Any) -> None:
    """Writes one encoded label into a row of a batch's targets, in place."""
    for array, value in zip(targets, encoded, strict=True):
        array[row] = value
