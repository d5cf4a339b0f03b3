"""Upright crops of labelled objects with texts, for readers: plates as a detector finds them."""

from array import array

import numpy as np
from jaxtyping import UInt8

from datasets.sources import BadSampleError, Keyed, Sample, group_of
from recog.codecs import BoxLabel
from recog.images import decode
from recog.rectify import rectify

LEAST = 32
"""Minimum height of a crop in pixels, the usual height of a reader's pictures; smaller objects are enlarged."""


class Crops:
    """Objects with a text in a source of pictures with boxes, rectified by their corners.

    Pictures that cannot be read are one sample each, whose loading raises their `BadSampleError`.

    Args:
      pictures: pictures with `recog.codecs.BoxLabel`s.

    Raises:
      ValueError: the labels are not boxes, or no object has a text.
    """

    def __init__(self, pictures: Keyed):
        self._pictures = pictures
        self._index, self._number = array("q"), array("q")
        for index in range(len(pictures)):
            for number in _with_text(pictures, index):
                self._index.append(index)
                self._number.append(number)
        if not self._index:
            raise ValueError(f"none of the {len(pictures)} pictures has an object with a text: nothing to cut out")

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: int) -> Sample:
        image, label, _ = self._pictures[self._index[index]]
        box, origin = label.boxes[self._number[index]], self.origin(index)
        try:
            picture = decode(image, 3) if isinstance(image, bytes) else image
        except ValueError as error:
            raise BadSampleError(origin, str(error)) from error
        return Sample(_upright(picture, box.corners), box.text, origin)

    def origin(self, index: int) -> str:
        """Origin of the picture, and the number of the object in it."""
        return f"{self._pictures.origin(self._index[index])} object {self._number[index]}"

    def key(self, index: int) -> bytes:
        """Key of the picture, and the number of the object in it."""
        return self._pictures.key(self._index[index]) + f"#{self._number[index]}".encode()

    def group(self, index: int) -> bytes:
        """Group of the picture, or its key if it has none."""
        return group_of(self._pictures, self._index[index])


def _with_text(pictures: Keyed, index: int) -> list[int]:
    """Numbers of the objects with a text in a picture."""
    try:
        label = pictures[index].label
    except BadSampleError:
        return [0]
    if not isinstance(label, BoxLabel):
        raise ValueError(
            f"{pictures.origin(index)}: the label is {type(label).__name__}, not boxes: cut out boxes alone"
        )
    return [number for number, box in enumerate(label.boxes) if box.text]


def _upright(picture: UInt8[np.ndarray, "H W 3"], corners: np.ndarray) -> UInt8[np.ndarray, "Y X 3"]:
    return rectify(picture, corners.astype(np.float64), LEAST)
