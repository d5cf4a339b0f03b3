"""Positions at which YOLO predicts: cells of three grids with three priors each.

Predictions become boxes as in section 2.1 of the YOLOv3 paper: centres are sigmoids within their cell, sizes are
exponentials times those of the prior. Corners are offsets from the centre of the cell in sizes of the prior.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

STRIDES = (8, 16, 32)
"""Pixels between cells of the three grids; the smallest priors belong to the first."""
PRIORS = 3
"""Priors of a cell."""
LARGEST = 4.0
"""Maximum logarithm of a size relative to its prior, which keeps exponentials finite."""


class Raw(NamedTuple):
    """Predictions of a detector before they are decoded, float32."""

    boxes: Float[Any, "B N 4"]
    """Logits of the centre's position within the cell (x, y), logarithms of width and height relative to the prior."""
    objectness: Float[Any, "B N"]
    """Logits of the presence of an object."""
    classes: Float[Any, "B N K"]
    """Logits of the classes."""
    corners: Float[Any, "B N 4 2"]
    """Offsets of the corners from the centre of the cell, relative to width and height of the prior."""


class Positions(NamedTuple):
    """Cells and priors of a picture: by increasing stride, then by row, column and prior."""

    cells: Float[Any, "*N 2"]
    """Left and top of the cell, pixels."""
    strides: Float[Any, "*N 1"]
    """Width and height of the cell, pixels."""
    priors: Float[Any, "*N 2"]
    """Width and height of the prior, pixels."""

    @property
    def middles(self) -> Float[Any, "*N 2"]:
        """Centre of each cell, pixels."""
        return self.cells + self.strides / 2


def make_positions(priors: Sequence[Sequence[float]], height: int, width: int) -> Positions:
    """Positions of a picture whose height and width are multiples of the largest stride.

    Args:
      priors: width and height of the priors of all scales, by increasing size.
      height: rows of the picture.
      width: columns of the picture.
    """
    parts = []
    for scale, stride in enumerate(STRIDES):
        y, x = np.mgrid[: height // stride, : width // stride] * float(stride)
        cells = np.stack([x, y], axis=-1).reshape(-1, 2).repeat(PRIORS, axis=0)
        own = np.tile(np.asarray(priors[PRIORS * scale : PRIORS * (scale + 1)]), (len(cells) // PRIORS, 1))
        parts.append((cells, np.full((len(cells), 1), stride), own))
    return Positions(*(np.concatenate(part).astype(np.float32) for part in zip(*parts, strict=True)))


def decode_boxes(boxes: Float[Array, "B N 4"], at: Positions) -> Float[Array, "B N 4"]:
    """Boxes (x1, y1, x2, y2) in pixels."""
    centres = at.cells + at.strides * jax.nn.sigmoid(boxes[..., :2])
    half = at.priors * jnp.exp(jnp.minimum(boxes[..., 2:], LARGEST)) / 2
    return jnp.concatenate([centres - half, centres + half], axis=-1)


def decode_corners(corners: Float[Array, "B N 4 2"], at: Positions) -> Float[Array, "B N 4 2"]:
    """Corners in pixels."""
    return at.middles[:, None] + at.priors[:, None] * corners


def bounding_boxes(corners: Float[Array, "B M 4 2"], sizes: Int[Array, "B 2"]) -> Float[Array, "B M 4"]:
    """Bounding boxes (x1, y1, x2, y2) of quadrilaterals, cut to the pictures of these heights and widths."""
    borders = sizes[:, None, ::-1].astype(corners.dtype)
    low, high = (jnp.clip(x, 0, borders) for x in (corners.min(axis=2), corners.max(axis=2)))
    return jnp.concatenate([low, high], axis=-1)


def assign(
    boxes: Float[Array, "B M 4"], priors: Sequence[Sequence[float]], height: int, width: int
) -> Int[Array, "B M"]:
    """Position that shall predict each box: the cell of its centre, and the prior with the most similar size.

    Args:
      boxes: x1, y1, x2, y2 in pixels.
      priors: as for `make_positions`.
      height: rows of the picture.
      width: columns of the picture.
    """
    sizes, shapes = boxes[..., 2:] - boxes[..., :2], jnp.asarray(priors, jnp.float32)
    shared = jnp.prod(jnp.minimum(sizes[..., None, :], shapes), axis=-1)  # B M A, with a corner in common
    both = jnp.prod(sizes, axis=-1)[..., None] + jnp.prod(shapes, axis=-1) - shared
    best = jnp.argmax(shared / both, axis=-1)
    scale = best // PRIORS
    strides = np.array(STRIDES)
    rows, columns = height // strides, width // strides
    first = PRIORS * (np.cumsum(rows * columns) - rows * columns)
    own = [jnp.asarray(x)[scale] for x in (strides, rows, columns, first)]
    stride, rows, columns, first = own
    x, y = jnp.moveaxis((boxes[..., :2] + boxes[..., 2:]) / 2 / stride[..., None], -1, 0).astype(jnp.int32)
    cell = jnp.clip(y, 0, rows - 1) * columns + jnp.clip(x, 0, columns - 1)
    return first + PRIORS * cell + best % PRIORS


def at_positions(values: Float[Array, "B N ..."], places: Int[Array, "B M"]) -> Float[Array, "B M ..."]:
    """Values at positions."""
    return values[jnp.arange(len(values))[:, None], places]


def mark_positions(places: Int[Array, "B M"], mask: Bool[Array, "B M"], count: int) -> Bool[Array, "B N"]:
    """Mask of the positions that occur where ``mask`` is true."""
    rows = jnp.arange(len(places))[:, None]
    return jnp.zeros((len(places), count), bool).at[rows, places].max(mask)
