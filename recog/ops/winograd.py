"""3x3 convolutions by a fraction of the multiplications (Lavin and Gray, "Fast Algorithms for Convolutional Neural
Networks", 2016).

The results are cut into tiles. A tile of four along an axis takes six products, not twelve, when what it sees and the
kernel are in another basis: polynomials, by their values at six points. With both axes 36 products stand for 144, each
of them a matrix product over the channels of all tiles; so are the changes of basis, of small matrices.

Rounding errors are about seven times those of the plain sum for tiles of four, and twice for tiles of two.
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

KERNEL = 3
POINTS = {2: (0, 1, -1), 4: (0, 2 / 3, -2 / 3, 3 / 2, -3 / 2)}
"""By results of a tile, without the last point, infinity. Those for four are each other's reciprocals, which halves the
rounding errors of the usual 0, 1, -1, 2, -2."""


class Basis(NamedTuple):
    """The changes of basis along one axis, for tiles of ``size`` results, which see ``size + 2`` elements."""

    size: int
    of_seen: np.ndarray
    """Points by elements seen."""
    of_kernel: np.ndarray
    """Points by 3."""
    to_results: np.ndarray
    """Results by points."""


@functools.cache
def basis(size: int) -> Basis:
    """Toom's and Cook's: ``to_results @ ((of_kernel @ k) * (of_seen @ x))`` correlates ``x`` with ``k``."""
    points = np.array(POINTS[size], float)
    others = [np.delete(points, place) for place in range(len(points))]
    slopes = np.array([np.prod(point - rest) for point, rest in zip(points, others, strict=True)])
    seen = [[*polyfromroots(rest), 0.0] for rest in others] + [polyfromroots(points)]
    kernel = _powers(points, KERNEL) / np.append(slopes, 1.0)[:, None]
    return Basis(size, np.array(seen), kernel, _powers(points, size).T)


def _powers(points: np.ndarray, count: int) -> np.ndarray:
    """From the zeroth on, by point; at infinity, the last, the highest is all."""
    return np.vstack([np.vander(points, count, increasing=True), np.eye(count)[-1]])


def tile_size(results: int) -> int:
    """Results of a tile, along an axis that has so many: what takes the fewest products.

    Four for a symbol, when a program for pictures of any width is made.
    """
    sizes = POINTS if isinstance(results, int) else (max(POINTS),)
    return min(sizes, key=lambda size: -(-results // size) * (size + KERNEL - 1))


def convolve(
    images: Float[Array, "B H W C"], kernel: Float[Array, "3 3 C D"], margins: Margins
) -> Float[Array, "B P Q D"]:
    """The convolution with strides of one; ``margins`` are zeros above and below, left and right of the pictures."""
    results = [length + sum(zeros) - (KERNEL - 1) for length, zeros in zip(images.shape[1:3], margins, strict=True)]
    bases = [basis(tile_size(length)) for length in results]
    tiles = [-(-length // one.size) for length, one in zip(results, bases, strict=True)]
    seen = _change([one.of_seen for one in bases], _seen(images, margins, bases, tiles))
    kernels = _change([one.of_kernel for one in bases], kernel)
    channels, features = kernel.shape[2:]
    points = seen.shape[0] * seen.shape[1]
    products = seen.reshape(points, -1, channels) @ kernels.reshape(points, channels, features)
    parts = _change([one.to_results for one in bases], products.reshape(*seen.shape[:-1], features))
    height, width = (count * one.size for count, one in zip(tiles, bases, strict=True))
    whole = parts.transpose(2, 3, 0, 4, 1, 5).reshape(images.shape[0], height, width, features)  # B T Y U X D
    return whole[:, : results[0], : results[1]]  # the last tiles may hang over


def _seen(
    images: Float[Array, "B H W C"], margins: Margins, bases: Sequence[Basis], tiles: Sequence[int]
) -> Float[Array, "Y X B T U C"]:
    """What the ``T`` by ``U`` tiles see, place by place; each sees the first two places of the next."""
    batch, *lengths, channels = images.shape
    grid = [(count + 1, one.size) for count, one in zip(tiles, bases, strict=True)]
    padding = [
        (before, count * size - before - length, 0)
        for (before, _), (count, size), length in zip(margins, grid, lengths, strict=True)
    ]
    images = lax.pad(images, jnp.zeros((), images.dtype), [(0, 0, 0), *padding, (0, 0, 0)])
    (rows, height), (columns, width) = grid
    places = images.reshape(batch, rows, height, columns, width, channels).transpose(2, 4, 0, 1, 3, 5)
    for axis, count in enumerate(tiles):
        own, following = (lax.slice_in_dim(places, start, start + count, axis=3 + axis) for start in (0, 1))
        places = jnp.concatenate([own, lax.slice_in_dim(following, 0, KERNEL - 1, axis=axis)], axis)
    return places


def _change(matrices: Sequence[np.ndarray], x: Float[Array, "Y X *rest"]) -> Float[Array, "V U *rest"]:
    """Both leading axes in another basis."""
    matrix = jnp.asarray(np.kron(*matrices), x.dtype)
    changed = matrix @ x.reshape(x.shape[0] * x.shape[1], -1)
    return changed.reshape(*(len(one) for one in matrices), *x.shape[2:])
