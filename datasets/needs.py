"""What a model asks of its samples, and what is wrong with one that it cannot use."""

import dataclasses
from collections.abc import Callable
from typing import Any

from recog.codecs import Codec, Problems
from recog.images import WIDEST
from recog.preprocess import Preprocess

TOO_WIDE = "too_wide"


@dataclasses.dataclass(frozen=True)
class Needs:
    """Requirements of a model on its samples."""

    preprocess: Preprocess
    """The pictures' size."""
    codec: Codec
    """Of the labels."""
    problems_of: Callable[[Any, tuple[int, int]], Problems]
    """Reasons against a label and the size of its scaled picture: a task's `problems`, or the codec's own."""
    max_width: int | None = None
    """Widest bucket; None where buckets are chosen from the data, up to `recog.images.WIDEST`."""

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Reasons why a sample cannot be used, by kind.

        Args:
          label: as its source has it.
          size: height and width of the scaled picture, pixels.
        """
        found = too_wide(size[1])
        if self.max_width is not None and size[1] > self.max_width:
            found[TOO_WIDE] = (
                f"the picture is {size[1]} pixels wide at height {size[0]}, the widest bucket is {self.max_width}: "
                "add a wider one to data.buckets"
            )
        return found | self.problems_of(label, size)


def too_wide(width: int) -> Problems:
    """The reason why no model takes a scaled picture of this width."""
    if width <= WIDEST:
        return {}
    return {TOO_WIDE: f"the picture is {width} pixels wide when scaled, more than {WIDEST}: crop it or drop it"}
