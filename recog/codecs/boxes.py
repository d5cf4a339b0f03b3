"""Box labels for detectors: quadrilaterals in a picture, each with a class and optionally a text."""

import dataclasses
import json
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from recog.codecs.box_pairs import paired
from recog.codecs.codec import TOO_LONG, UNKNOWN_CLASS, WRONG_KIND, CardText, Prediction, Problems, Reading

OUTSIDE_PICTURE = "box_outside_picture"
DEGENERATE = "degenerate_box"


class LabelledBox(NamedTuple):
    """One object in a picture."""

    corners: Float32[np.ndarray, "4 2"]
    """x and y in pixels, clockwise from the top left corner of the object itself. The picture spans 0 to its width and
    height; the centre of its first pixel is at (0.5, 0.5)."""
    name: str
    """Class name of the object."""
    text: str = ""
    """Text on the object; empty where there is none or it is unknown."""


@dataclasses.dataclass(frozen=True)
class BoxLabel:
    """All objects of one picture."""

    boxes: tuple[LabelledBox, ...]

    @property
    def text(self) -> str:
        """Texts of all boxes, joined by spaces."""
        return " ".join(box.text for box in self.boxes)

    def __str__(self) -> str:
        """Boxes as JSON, with corners rounded to tenths of a pixel."""
        rows = [[box.name, box.text, _tenths(box.corners)] for box in self.boxes]
        return json.dumps(rows, ensure_ascii=False)


class BoxTargets(NamedTuple):
    """Boxes of a batch of pictures, padded to the same number for each picture."""

    corners: Float[Any, "B N 4 2"]
    """Corners as in `LabelledBox.corners`, zero in empty slots. A box with corners whose `mask` is false has been cut
    off by augmentation, and does not count: finding the rest is neither right nor wrong."""
    classes: Int[Any, "B N"]
    """Indices into `BoxCodec.names`."""
    mask: Bool[Any, "B N"]
    """Whether the slot holds a box."""
    texts: Int[Any, "B N L"]
    """Code points of each box's text, padded with zeros."""


@dataclasses.dataclass(frozen=True)
class BoxCodec:
    """Encodes up to ``most`` boxes per picture.

    Example:
      >>> codec = BoxCodec(("plate",), most=4)
      >>> label = BoxLabel((LabelledBox(np.float32([[0, 0], [9, 0], [9, 3], [0, 3]]), "plate", "A1"),))
      >>> codec.encode(label).mask
      array([ True, False, False, False])

    Raises:
      ValueError: names is empty, or a name is empty or occurs twice.
    """

    names: tuple[str, ...]
    """Class names, in the order of their indices."""
    most: int = 16
    """Maximum number of boxes in a picture: slots of the targets."""
    max_length: int = 16
    """Maximum number of characters in a text: slots of the targets."""

    kind: ClassVar[str] = "boxes"
    compared: ClassVar[tuple[str, ...]] = ("mask", "classes", "boxes", "corners", "scores")
    of_whole_pictures: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.names or not all(self.names) or len(set(self.names)) < len(self.names):
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
        """Class names of a picture's boxes; none for a label of another kind."""
        return [box.name for box in label.boxes] if isinstance(label, BoxLabel) else []

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Finds too many boxes, unknown classes, long texts, and boxes without area or outside the picture."""
        if not isinstance(label, BoxLabel):
            return {WRONG_KIND: f"the label is {type(label).__name__}, not boxes: the source does not suit a detector"}
        found: Problems = {}
        if len(label.boxes) > self.most:
            found[TOO_LONG] = self._too_many(label)
        for number, box in enumerate(label.boxes):
            for kind, reason in (self._not_encodable(box) | _not_visible(box, size)).items():
                found.setdefault(kind, f"box {number} {reason}")
        return found

    def _too_many(self, label: BoxLabel) -> str:
        return f"the picture has {len(label.boxes)} boxes, the codec has slots for {self.most}"

    def _not_encodable(self, box: LabelledBox) -> Problems:
        """Reasons why `encode` refuses a box."""
        found: Problems = {}
        if box.name not in self.names:
            found[UNKNOWN_CLASS] = f"is of class {box.name!r}, which is not one of {', '.join(self.names)}"
        if len(box.text) > self.max_length:
            found[TOO_LONG] = f"has a text of {len(box.text)} characters for {self.max_length} slots: {box.text!r}"
        return found

    def remarks(self, label: Any) -> Problems:
        """No remarks."""
        del label
        return {}

    def scaled(self, label: Any, across: float, down: float) -> Any:
        """The boxes with corners in pixels of the scaled picture; a label of another kind stays as it is."""
        if not isinstance(label, BoxLabel):
            return label
        factors = np.array([across, down], np.float32)
        return BoxLabel(tuple(box._replace(corners=np.asarray(box.corners) * factors) for box in label.boxes))

    def encode(self, label: Any) -> BoxTargets:
        """Encodes the boxes of one picture.

        Raises:
          ValueError: there are more boxes than slots, a class is unknown, or a text has too many characters.
        """
        targets = BoxTargets(*(array[0] for array in self.zeros(1)))
        if len(label.boxes) > self.most:
            raise ValueError(self._too_many(label))
        for place, box in enumerate(label.boxes):
            if found := self._not_encodable(box):
                raise ValueError("; ".join(f"box {place} {reason}" for reason in found.values()))
            targets.corners[place] = box.corners
            targets.classes[place] = self.names.index(box.name)
            targets.mask[place] = True
            targets.texts[place, : len(box.text)] = [ord(character) for character in box.text]
        return targets

    def zeros(self, rows: int) -> BoxTargets:
        """Targets of rows without boxes."""
        return BoxTargets(
            np.zeros((rows, self.most, 4, 2), np.float32),
            np.zeros((rows, self.most), np.int32),
            np.zeros((rows, self.most), bool),
            np.zeros((rows, self.most, self.max_length), np.int32),
        )

    def label(self, targets: BoxTargets) -> BoxLabel:
        """Decodes one row of targets."""
        corners, classes, mask, texts = map(np.asarray, targets)
        return BoxLabel(
            tuple(
                LabelledBox(corners[n], self.names[classes[n]], "".join(chr(code) for code in texts[n] if code))
                for n in np.flatnonzero(mask)
            )
        )

    def show(self, targets: BoxTargets) -> list[str]:
        """Boxes of each row as JSON."""
        return [str(self.label(BoxTargets(*row))) for row in zip(*targets, strict=True)]

    def readings(self, prediction: Prediction) -> list[Reading]:
        """Boxes of each row as JSON (class, corners, score), with their highest score; 0 for a row without boxes.

        Corners are rounded to tenths of a pixel, scores to four decimal places.
        """
        rows = zip(*(np.asarray(prediction[name]) for name in ("corners", "classes", "scores", "mask")), strict=True)
        return [
            Reading(self._shown(corners[mask], classes[mask], scores[mask]), float(np.max(scores[mask], initial=0.0)))
            for corners, classes, scores, mask in rows
        ]

    def _shown(
        self, corners: Float[np.ndarray, "N 4 2"], classes: Int[np.ndarray, " N"], scores: Float[np.ndarray, " N"]
    ) -> str:
        boxes = [
            {"class": self.names[index], "corners": points, "score": round(score, 4)}
            for points, index, score in zip(_tenths(corners), classes, scores.tolist(), strict=True)
        ]
        return json.dumps(boxes, ensure_ascii=False)

    def paired(self, one: Prediction, other: Prediction) -> tuple[Prediction, Prediction]:
        """Equal detections in the same slots (`recog.codecs.box_pairs`)."""
        return paired(one, other)

    def moved(self, targets: BoxTargets, maps: Float[Any, "B 3 3"], sizes: Int[Any, "B 2"]) -> BoxTargets:
        """Maps corners by each picture's homography, and unmasks boxes that are cut off.

        A box stays if at least `recog.codecs.moved_boxes.KEPT` of its area that was inside the picture still is; of
        others that can be seen, the corners stay. Corners may lie outside: they are not clipped, because an object's
        corner has its place whether or not the picture shows it.
        """
        from recog.codecs.moved_boxes import moved  # reading by other runtimes does not import JAX

        return moved(targets, maps, sizes)

    def for_measuring(self) -> Self:
        """The codec itself."""
        return self

    def extended(self) -> Self:
        """A codec with one more class name."""
        return dataclasses.replace(self, names=(*self.names, "".join((*self.names, "_"))))

    def card_text(self) -> CardText:
        """Texts for the model card of a detector."""
        names = " ".join(f"`{name}`" for name in self.names)
        return CardText(
            title="finds objects in pictures",
            classes=f"{self.classes} classes: {names}",
            outputs=(
                "`boxes` float32 `B N 4` (x1, y1, x2, y2 in pixels of the input), `corners` float32 `B N 4 2` (x, y,\n"
                "clockwise from the object's own top left), `classes` int32 `B N` (indices of the names), `scores`\n"
                "float32 `B N` (0 to 1, in decreasing order), `mask` bool `B N` (whether the slot holds a box).\n"
                "Overlapping boxes are suppressed inside the program."
            ),
            example=(
                'kept = found["mask"][0]\n'
                'names = [codec["names"][index] for index in found["classes"][0][kept]]\n'
                'boxes, scores = found["boxes"][0][kept], found["scores"][0][kept]'
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Class names and numbers of slots, for JSON."""
        return {"kind": self.kind, "names": list(self.names), "most": self.most, "max_length": self.max_length}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Loads the form that `to_json` returns."""
        return cls(tuple(saved["names"]), saved["most"], saved["max_length"])


def _tenths(corners: Float[np.ndarray, "*N 4 2"]) -> list:
    """Corners rounded to tenths of a pixel, as nested lists."""
    return np.round(corners.astype(float), 1).tolist()


def _not_visible(box: LabelledBox, size: tuple[int, int]) -> Problems:
    """Reasons why a box cannot be found in a picture of this height and width in pixels."""
    corners, (height, width) = np.asarray(box.corners, np.float64), size
    if not np.isfinite(corners).all() or _area(corners) <= 0:
        return {DEGENERATE: "has no area, or corners that are not clockwise"}
    if (corners.max(axis=0) <= 0).any() or (corners.min(axis=0) >= (width, height)).any():
        return {OUTSIDE_PICTURE: f"lies outside the picture of {width}x{height} pixels"}
    return {}


def _area(corners: Float[np.ndarray, "4 2"]) -> float:
    """Signed area of a quadrilateral in square pixels (shoelace formula); positive when clockwise on screen."""
    x, y = corners[:, 0], corners[:, 1]
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)
