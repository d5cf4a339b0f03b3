"""Requirements of models on samples, and the problems of samples that do not meet them."""

import dataclasses
from collections.abc import Callable
from typing import Any

from datasets.picture_remarks import IF_VERTICAL
from recog.codecs import BoxCodec, Codec, Problems
from recog.codecs.codec import INFEASIBLE
from recog.images import WIDEST
from recog.preprocess import TALL, Preprocess

TOO_WIDE = "too_wide"


@dataclasses.dataclass(frozen=True)
class Needs:
    """Requirements of a model on its samples.

    Raises:
      ValueError: tall pictures are turned, but the labels are boxes, which would not be.
    """

    preprocess: Preprocess
    """Preprocessing of pictures, which determines their size."""
    codec: Codec
    """Codec of the labels."""
    problems_of: Callable[[Any, tuple[int, int]], Problems]
    """Returns the problems of a label and the size of its scaled picture: `problems` of a task or of the codec."""
    max_width: int | None = None
    """Widest bucket in pixels; None if buckets are chosen from the data, up to `recog.images.WIDEST`."""

    def __post_init__(self) -> None:
        if self.preprocess.rotate_tall and self.codec.kind == BoxCodec.kind:
            raise ValueError(
                f"data.rotate_tall={self.preprocess.rotate_tall} turns pictures, but not the boxes in them: set it to 0"
            )

    def problems(self, label: Any, picture: tuple[int, int]) -> Problems:
        """Reasons why a sample cannot be used, by kind.

        Args:
          label: as its source provides it.
          picture: height and width of the sample's own picture in pixels.
        """
        size = self.preprocess.scaled_size(*picture)
        label = self.codec.scaled(label, size[1] / picture[1], size[0] / picture[0])
        found = too_wide(size[1])
        if self.max_width is not None and size[1] > self.max_width:
            found[TOO_WIDE] = (
                f"the picture is {size[1]} pixels wide at height {size[0]}, the widest bucket is {self.max_width}: "
                "add a wider one to data.buckets"
            )
        found |= self.problems_of(label, size)
        if INFEASIBLE in found and picture[0] >= TALL * picture[1] and not self.preprocess.rotate_tall:
            found[INFEASIBLE] += f"; {IF_VERTICAL}"
        return found


def too_wide(width: int) -> Problems:
    """Reason why a scaled picture of this width in pixels cannot be used by any model."""
    if width <= WIDEST:
        return {}
    return {TOO_WIDE: f"the picture is {width} pixels wide when scaled, more than {WIDEST}: crop it or drop it"}
