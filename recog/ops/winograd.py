"""3x3 convolutions by Winograd's algorithm (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016).

The results are cut into tiles. Along an axis, a tile of four results takes 6 products instead of 12 once the inputs it
depends on and the kernel are transformed: polynomials become their values at six points. Over both axes, 36 products
replace 144; each is a matrix product over the channels of all tiles, and so are the transforms, with small matrices.

Rounding errors are about seven times those of direct summation for tiles of four, and twice for tiles of two.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float
from numpy.polynomial.polynomial import polyfromroots

Margins = tuple[tuple[int, int], tuple[int, int]]
"""Zeros to pad above and below, left and right of the images; negative ones crop."""

KERNEL = 3
"""Rows and columns of the kernels."""
POINTS = {2: (0, 1, -1), 4: (0, 2 / 3, -2 / 3, 3 / 2, -3 / 2)}
"""Interpolation points by tile size, without the last one, infinity. Those for four are each other's reciprocals, which
halves the rounding errors of the usual 0, 1, -1, 2, -2."""


class Transforms(NamedTuple):
    """Matrices along one axis for tiles of ``size`` results, which depend on ``size + 2`` inputs."""

    size: int
    of_input: np.ndarray
    """``B^T`` in the paper: points by inputs."""
    of_kernel: np.ndarray
    """``G`` in the paper: points by 3."""
    of_output: np.ndarray
    """``A^T`` in the paper: results by points."""


@functools.cache
def transforms(size: int) -> Transforms:
    """Toom-Cook transforms: ``of_output @ ((of_kernel @ k) * (of_input @ x))`` correlates ``x`` with ``k``."""
    points = np.array(POINTS[size], float)
    others = [np.delete(points, index) for index in range(len(points))]
    slopes = np.array([np.prod(point - rest) for point, rest in zip(points, others, strict=True)])
    of_input = [[*polyfromroots(rest), 0.0] for rest in others] + [polyfromroots(points)]
    of_kernel = _powers(points, KERNEL) / np.append(slopes, 1.0)[:, None]
    return Transforms(size, np.array(of_input), of_kernel, _powers(points, size).T)


def _powers(points: np.ndarray, count: int) -> np.ndarray:
    """Powers 0 to ``count - 1`` of each point; at infinity, the last row, only the highest power counts."""
    return np.vstack([np.vander(points, count, increasing=True), np.eye(count)[-1]])


def tile_size(results: int) -> int:
    """Tile size that takes the fewest products for this many results along an axis.

    Four for a symbolic number, in programs that are exported for images of any width.
    """
    sizes = POINTS if isinstance(results, int) else (max(POINTS),)
    return min(sizes, key=lambda size: -(-results // size) * (size + KERNEL - 1))


def convolve(
    images: Float[Array, "B H W C"], kernel: Float[Array, "3 3 C D"], margins: Margins
) -> Float[Array, "B P Q D"]:
    """Convolves with strides of one."""
    results = [length + sum(zeros) - (KERNEL - 1) for length, zeros in zip(images.shape[1:3], margins, strict=True)]
    axes = [transforms(tile_size(length)) for length in results]
    tiles = [-(-length // axis.size) for length, axis in zip(results, axes, strict=True)]
    inputs = _transform([axis.of_input for axis in axes], _input_tiles(images, margins, axes, tiles))
    kernels = _transform([axis.of_kernel for axis in axes], kernel)
    channels, features = kernel.shape[2:]
    points = inputs.shape[0] * inputs.shape[1]
    products = inputs.reshape(points, -1, channels) @ kernels.reshape(points, channels, features)
    parts = _transform([axis.of_output for axis in axes], products.reshape(*inputs.shape[:-1], features))
    height, width = (count * axis.size for count, axis in zip(tiles, axes, strict=True))
    whole = parts.transpose(2, 3, 0, 4, 1, 5).reshape(images.shape[0], height, width, features)  # B T Y U X D
    return whole[:, : results[0], : results[1]]  # the last tiles may reach beyond the results


def _input_tiles(
    images: Float[Array, "B H W C"], margins: Margins, axes: Sequence[Transforms], tiles: Sequence[int]
) -> Float[Array, "Y X B T U C"]:
    """Inputs of the ``T`` by ``U`` tiles, padded with zeros; each tile shares two rows and columns with the next."""
    batch, *lengths, channels = images.shape
    grid = [(count + 1, axis.size) for count, axis in zip(tiles, axes, strict=True)]
    padding = [
        (before, count * size - before - length, 0)
        for (before, _), (count, size), length in zip(margins, grid, lengths, strict=True)
    ]
    images = lax.pad(images, jnp.zeros((), images.dtype), [(0, 0, 0), *padding, (0, 0, 0)])
    (rows, height), (columns, width) = grid
    inputs = images.reshape(batch, rows, height, columns, width, channels).transpose(2, 4, 0, 1, 3, 5)
    for axis, count in enumerate(tiles):
        own, following = (lax.slice_in_dim(inputs, start, start + count, axis=3 + axis) for start in (0, 1))
        inputs = jnp.concatenate([own, lax.slice_in_dim(following, 0, KERNEL - 1, axis=axis)], axis)
    return inputs


def _transform(matrices: Sequence[np.ndarray], x: Float[Array, "Y X *rest"]) -> Float[Array, "V U *rest"]:
    """Applies one matrix to each of the two leading axes."""
    matrix = jnp.asarray(np.kron(*matrices), x.dtype)
    transformed = matrix @ x.reshape(x.shape[0] * x.shape[1], -1)
    return transformed.reshape(*(len(one) for one in matrices), *x.shape[2:])
