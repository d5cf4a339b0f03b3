"""Projection of feature maps onto the pictures that they were computed from."""

import math

import cv2
import numpy as np
from jaxtyping import Float, Float32


def project(
    maps: Float[np.ndarray, "S Y X"], shape: tuple[int, int], matrix: Float[np.ndarray, "2 3"] | None = None
) -> Float32[np.ndarray, "S H W"]:
    """Resizes maps to a picture by linear interpolation.

    Cells of a map are as many pixels wide and high as the network's strides multiply to, a power of two; the map is
    centred in the picture, whether the network's convolutions pad it or not.

    Args:
      maps: maps over a grid.
      shape: height and width of the padded picture.
      matrix: affine map from the pixels of the picture that the network saw to those of the picture wanted, from
        `recog.models.stn.pixel_matrices`; None if they are the same. Pixels outside the first are zero.
    """
    down, across = (_interpolation(cells, pixels) for cells, pixels in zip(maps.shape[1:], shape, strict=True))
    found = np.einsum("hy,syx,wx->shw", down, np.nan_to_num(maps), across, optimize=True).astype(np.float32)
    if matrix is not None:
        size = shape[1], shape[0]
        found = [cv2.warpAffine(each, np.nan_to_num(matrix).astype(np.float64), size) for each in found]
    return np.asarray(found, np.float32).reshape(len(maps), *shape)


def scale(maps: Float32[np.ndarray, "S H W"]) -> Float32[np.ndarray, "S H W"]:
    """Maps from 0 to 1 at their highest; those without positive values are zero."""
    maps = np.maximum(maps, 0)
    highest = maps.max(axis=(1, 2), keepdims=True, initial=0)
    return np.divide(maps, highest, out=np.zeros_like(maps), where=highest > 0)


def _interpolation(cells: int, pixels: int) -> Float[np.ndarray, "P N"]:
    """Weights of a row of cells in each pixel; the outermost cells extend to the borders."""
    stride = 2 ** round(math.log2(pixels / cells))
    centres = (pixels - 1) / 2 + stride * (np.arange(cells) - (cells - 1) / 2)
    return np.stack([np.interp(np.arange(pixels), centres, cell) for cell in np.eye(cells)], axis=1)
