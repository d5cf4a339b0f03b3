"""Labels that are boxes in a picture, each with a class and perhaps a text: what detectors learn from."""

import dataclasses
import json
from typing import Any, ClassVar, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Int

from recog.codecs.codec import TOO_LONG, UNKNOWN_CLASS, WRONG_KIND, CardText, Prediction, Problems, Reading
from recog.geometry import move_points

OUTSIDE_PICTURE = "box_outside_picture"
DEGENERATE = "degenerate_box"


class LabelledBox(NamedTuple):
    """One thing in a picture."""

    corners: Float32[np.ndarray, "4 2"]
    """x and y in pixels, clockwise from the left top corner of the thing itself. The picture reaches from 0 to its
    width and height: the middle of its first pixel is at 0.5, 0.5."""
    name: str
    """Class of the thing."""
    text: str = ""
    """Text that stands on it; empty where there is none or it is not known."""


@dataclasses.dataclass(frozen=True)
class BoxLabel:
    """All things of one picture."""

    boxes: tuple[LabelledBox, ...]

    @property
    def text(self) -> str:
        """The texts of all boxes with spaces between them."""
        return " ".join(box.text for box in self.boxes)

    def __str__(self) -> str:
        """JSON of the boxes, corners rounded to tenths of a pixel."""
        rows = [[box.name, box.text, np.round(box.corners.astype(float), 1).tolist()] for box in self.boxes]
        return json.dumps(rows, ensure_ascii=False)


class BoxTargets(NamedTuple):
    """Boxes of pictures, padded to one number a picture."""

    corners: Float[Any, "B N 4 2"]
    """As `LabelledBox.corners`; zero where `mask` is false."""
    classes: Int[Any, "B N"]
    """Places of the classes' names."""
    mask: Bool[Any, "B N"]
    """Whether the slot holds a box."""
    texts: Int[Any, "B N L"]
    """Code points of each box's text, padded with zeros."""


@dataclasses.dataclass(frozen=True)
class BoxCodec:
    """Encodes up to ``most`` boxes a picture.

    Example:
      >>> codec = BoxCodec(("plate",), most=4)
      >>> label = BoxLabel((LabelledBox(np.float32([[0, 0], [9, 0], [9, 3], [0, 3]]), "plate", "A1"),))
      >>> codec.encode(label).mask
      array([ True, False, False, False])
    """

    names: tuple[str, ...]
    """Classes of things."""
    most: int = 16
    """Slots for a picture's boxes."""
    max_length: int = 16
    """Slots for the characters of a text."""

    kind: ClassVar[str] = "boxes"
    compared: ClassVar[tuple[str, ...]] = ("mask", "classes", "corners", "scores")

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
        """The names of a picture's boxes."""
        return [box.name for box in label.boxes]

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Too many boxes, unknown classes, texts too long, boxes without area or outside the picture."""
        if not isinstance(label, BoxLabel):
            return {WRONG_KIND: f"the label is {type(label).__name__}, not boxes: the source does not suit a detector"}
        found: Problems = {}
        if len(label.boxes) > self.most:
            found[TOO_LONG] = f"the picture has {len(label.boxes)} boxes, the codec has slots for {self.most}"
        for number, box in enumerate(label.boxes):
            for kind, reason in self._problems_of(box, size).items():
                found.setdefault(kind, f"box {number} {reason}")
        return found

    def _problems_of(self, box: LabelledBox, size: tuple[int, int]) -> Problems:
        found: Problems = {}
        corners, (height, width) = np.asarray(box.corners, np.float64), size
        if box.name not in self.names:
            found[UNKNOWN_CLASS] = f"is of class {box.name!r}, which is not one of {', '.join(self.names)}"
        if len(box.text) > self.max_length:
            found[TOO_LONG] = f"has a text of {len(box.text)} characters for {self.max_length} slots: {box.text!r}"
        if not np.isfinite(corners).all() or area(corners) <= 0:
            found[DEGENERATE] = "has no area, or corners that are not clockwise"
        elif (corners.max(axis=0) <= 0).any() or (corners.min(axis=0) >= (width, height)).any():
            found[OUTSIDE_PICTURE] = f"lies outside the picture of {width}x{height} pixels"
        return found

    def encode(self, label: Any) -> BoxTargets:
        """Arrays of one picture's boxes.

        Raises:
          ValueError: there are more boxes than slots, a class is unknown, or a text has too many characters.
        """
        targets = BoxTargets(*(array[0] for array in self.zeros(1)))
        if len(label.boxes) > self.most:
            raise ValueError(f"the picture has {len(label.boxes)} boxes, the codec has slots for {self.most}")
        for place, box in enumerate(label.boxes):
            if box.name not in self.names or len(box.text) > self.max_length:
                raise ValueError(f"box {place}: {'; '.join(self._problems_of(box, (1, 1)).values())}")
            targets.corners[place] = box.corners
            targets.classes[place] = self.names.index(box.name)
            targets.mask[place] = True
            targets.texts[place, : len(box.text)] = [ord(character) for character in box.text]
        return targets

    def zeros(self, rows: int) -> BoxTargets:
        """Rows without a box."""
        return BoxTargets(
            np.zeros((rows, self.most, 4, 2), np.float32),
            np.zeros((rows, self.most), np.int32),
            np.zeros((rows, self.most), bool),
            np.zeros((rows, self.most, self.max_length), np.int32),
        )

    def label(self, targets: BoxTargets) -> BoxLabel:
        """The boxes of one row of targets."""
        corners, classes, mask, texts = map(np.asarray, targets)
        return BoxLabel(
            tuple(
                LabelledBox(corners[n], self.names[classes[n]], "".join(chr(code) for code in texts[n] if code))
                for n in np.flatnonzero(mask)
            )
        )

    def show(self, targets: BoxTargets) -> list[str]:
        """JSON of each row's boxes."""
        return [str(self.label(BoxTargets(*row))) for row in zip(*targets, strict=True)]

    def readings(self, prediction: Prediction) -> list[Reading]:
        """JSON of each row's boxes, with the least of their scores; 1 where there is none."""
        return [
            Reading(
                str(self.label(BoxTargets(corners, classes, mask, np.zeros((len(mask), 1), np.int32)))),
                float(np.min(scores[mask], initial=1.0)),
            )
            for corners, classes, mask, scores in zip(
                *(np.asarray(prediction[name]) for name in ("corners", "classes", "mask", "scores")), strict=True
            )
        ]

    def moved(self, targets: BoxTargets, maps: Float[Array, "B 3 3"]) -> BoxTargets:
        """Corners where each picture's homography puts them; empty slots stay zero."""
        batch, boxes = targets.corners.shape[:2]
        centred = jnp.asarray(targets.corners).reshape(batch, boxes * 4, 2) - 0.5  # maps have pixel centres at integers
        points = move_points(maps, centred).reshape(targets.corners.shape) + 0.5
        corners = jnp.where(targets.mask[..., None, None], points, 0.0)
        return targets._replace(corners=corners)

    def for_measuring(self) -> Self:
        """The codec itself."""
        return self

    def extended(self) -> Self:
        """With one more name."""
        return dataclasses.replace(self, names=(*self.names, "".join(self.names)))

    def card_text(self) -> CardText:
        """What a model card says of a detector."""
        names = " ".join(f"`{name}`" for name in self.names)
        return CardText(
            title="finds things in pictures",
            classes=f"{self.classes} classes: {names}",
            outputs=(
                "`corners` float32 `B N 4 2` (x, y in pixels of the input, clockwise from the left top), `classes`\n"
                "int32 `B N`, `scores` float32 `B N` (0 to 1), `mask` bool `B N` (whether the slot holds a box)."
            ),
            example='boxes = found["corners"][0][found["mask"][0]]',
        )

    def to_json(self) -> dict[str, Any]:
        """The names and the numbers of slots."""
        return {"kind": self.kind, "names": list(self.names), "most": self.most, "max_length": self.max_length}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Reads what `to_json` wrote."""
        return cls(tuple(saved["names"]), saved["most"], saved["max_length"])


def area(corners: Float[np.ndarray, "4 2"]) -> float:
    """Signed area of a quadrilateral in square pixels (shoelace formula): positive where it is clockwise on screen."""
    x, y = corners[:, 0], corners[:, 1]
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)
