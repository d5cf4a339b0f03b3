"""Grids of batch shapes, for which programs are compiled, and padding of pictures to them."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8

WIDTHS = (64, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
"""Widths in pixels of batches for models that take any width; the last is `recog.images.WIDEST`."""
USUAL = 512
"""Maximum width in pixels of batches that are compiled beforehand."""
ROWS_OF_WIDE = 4
"""Maximum number of rows of wider batches, which bounds the memory that they need."""


class Group(NamedTuple):
    """Pictures that are padded to one batch."""

    indices: list[int]
    """Places of the pictures, the widest first."""
    rows: int
    """Number of rows of the batch; those beyond the pictures are padding."""
    width: int
    """Width of the batch in pixels."""


@dataclasses.dataclass(frozen=True)
class Grid:
    """Shapes of batches, few of them, with little padding."""

    rows: tuple[int, ...]
    """Numbers of rows, the first of which is 1."""
    overhead: int
    """Cost of running a batch of any shape, relative to that of a column of pixels."""

    def shapes(
        self, width: int = 0, widths: Sequence[int] | None = None, rows: Sequence[int] | None = None
    ) -> list[tuple[int, int]]:
        """Rows and width of the batches to expect, smallest first.

        Args:
          width: width in pixels of all batches, for models that take one width; 0 for any width.
          widths: widths of the pictures to expect; None for all up to `USUAL`.
          rows: numbers of pictures that are read together; None for all.
        """
        expected = [each for each in WIDTHS if each <= USUAL] if widths is None else widths
        found = {
            (group.rows, group.width)
            for each in ([width] if width else expected)
            for count in (self.rows if rows is None else rows)
            for group in self.groups([each] * count, width)
        }
        return sorted(found)

    def groups(self, widths: Sequence[int], width: int = 0) -> list[Group]:
        """Divides pictures into the batches that cost least; a panorama gets its own, 20 pictures are read as 16 and 4.

        Args:
          widths: width of each picture in pixels, up to the last of `WIDTHS`.
          width: width of all batches, for models that take one width; 0 for any width.

        Raises:
          ValueError: a picture is wider.
        """
        if max(widths, default=0) > WIDTHS[-1]:
            raise ValueError(f"a picture of {max(widths)} columns is wider than {WIDTHS[-1]}: scale it")
        order = sorted(range(len(widths)), key=lambda index: -widths[index])
        columns = [width or _at_least(widths[index], WIDTHS) for index in order]
        best = [(0, 0)]  # for the first pictures of the order: the cost, and the start of the last batch
        for end in range(1, len(order) + 1):
            first = max(0, end - self.rows[-1])
            best.append(
                min(
                    (best[start][0] + self._cost(end - start, columns[start]), start)
                    for start in range(first, end)
                    if width or columns[start] <= USUAL or end - start <= ROWS_OF_WIDE
                )
            )
        found, end = [], len(order)
        while end:
            start = best[end][1]
            found.append(Group(order[start:end], _at_least(end - start, self.rows), columns[start]))
            end = start
        return found[::-1]

    def _cost(self, pictures: int, columns: int) -> int:
        return self.overhead + _at_least(pictures, self.rows) * columns


ON_CPU = Grid((1, 4, 16), 256)
"""Measured with a CRNN of 0.4 million parameters on two cores: a picture costs less in batches of 16 than in those of 1
(0.55 times), 32 (0.8) and 64 (0.7). Powers of two and all multiples of 32 pixels would save 6 % of the columns of mixed
batches and need four times as many programs."""
ON_ACCELERATOR = Grid((1, 4, 16, 64), 8192)
"""For devices that large batches use better, and on which starting a program costs more than many columns."""


def pad(
    pictures: Sequence[UInt8[np.ndarray, "H W C"]], rows: int, height: int, width: int
) -> tuple[UInt8[np.ndarray, "B H W C"], Int32[np.ndarray, "B 2"]]:
    """Pads pictures with zeros to a shared shape; returns images and sizes, zeros for rows without a picture."""
    images = np.zeros((rows, height, width, pictures[0].shape[2]), np.uint8)
    sizes = np.zeros((rows, 2), np.int32)
    for row, picture in enumerate(pictures):
        sizes[row] = picture.shape[:2]
        images[row, : sizes[row, 0], : sizes[row, 1]] = picture
    return images, sizes


def _at_least(least: int, among: Sequence[int]) -> int:
    return next(value for value in among if value >= least)
