"""Max and mean pooling without padding, with gradients that are fast on CPUs.

XLA compiles the gradient of a window reduction to a scatter. Here pooling is the maximum or sum of strided slices: the
first element of every window, the second of every window, and so on. Means are taken along one axis after the other.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float


class _Windows(NamedTuple):
    """Size and stride, in elements, of the windows along one axis."""

    axis: int
    size: int
    stride: int

    @property
    def contiguous(self) -> bool:
        """Whether windows neither overlap nor leave gaps."""
        return self.size == self.stride

    def slices(self, x: Array) -> list[Array]:
        """One strided slice for each offset within a window."""
        axis, length = self.axis, x.shape[self.axis]
        if isinstance(length, int) and length < self.size:
            return [lax.slice_in_dim(x, 0, 0, axis=axis)] * self.size
        if self.contiguous and not isinstance(length, int):  # a symbol, in an export for images of any width
            x = lax.slice_in_dim(x, 0, length // self.size * self.size, axis=axis)
            x = x.reshape(*x.shape[:axis], length // self.size, self.size, *x.shape[axis + 1 :])
            return [lax.index_in_dim(x, offset, axis + 1, keepdims=False) for offset in range(self.size)]
        reach = (length - self.size) // self.stride * self.stride + 1
        return [lax.slice_in_dim(x, offset, offset + reach, self.stride, axis) for offset in range(self.size)]


def max_pool(
    x: Float[Array, "B H W C"], window: tuple[int, int], strides: tuple[int, int] | None = None
) -> Float[Array, "B Y X C"]:
    """Maxima of windows; strides default to the window.

    Among equal maxima, the first in row-major order receives the gradient, as in PyTorch.
    """
    rows, columns = map(_Windows, (1, 2), window, strides or window)
    if rows.contiguous == columns.contiguous:
        return _maxima(x, rows, columns)
    along_rows = _maxima(x, _Windows(1, 1, 1), columns)
    return _maxima(along_rows, rows, _Windows(2, 1, 1))


def mean_pool(x: Float[Array, "B H W C"], window: tuple[int, int], strides: tuple[int, int]) -> Float[Array, "B Y X C"]:
    """Means of windows, without padding."""
    for windows in map(_Windows, (1, 2), window, strides):
        x = _sums(x, windows) / windows.size
    return x


def _sums(x: Float[Array, "B H W C"], windows: _Windows) -> Float[Array, "B Y X C"]:
    """Sums of windows along one axis; where the size is a multiple of the stride, blocks of one stride are shared."""
    axis, size, stride = windows
    if size % stride == 0:
        x = _block_sums(x, _Windows(axis, stride, stride))
        windows = _Windows(axis, size // stride, 1)
    return functools.reduce(jnp.add, windows.slices(x))


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _block_sums(x: Float[Array, "B H W C"], blocks: _Windows) -> Float[Array, "B Y X C"]:
    return functools.reduce(jnp.add, blocks.slices(x))


def _block_sums_forward(x, blocks: _Windows):
    return _block_sums(x, blocks), x[:0]


def _block_sums_backward(blocks: _Windows, like, gradient: Float[Array, "B Y X C"]):
    shares = jnp.repeat(jnp.expand_dims(gradient, blocks.axis + 1), blocks.size, blocks.axis + 1)
    return (_joined(shares, blocks.axis, like.shape[blocks.axis]),)


_block_sums.defvjp(_block_sums_forward, _block_sums_backward)


def _joined(x: Array, axis: int, length: int) -> Array:
    """Merges an axis of windows with the following axis of their elements into one of ``length``, padded with zeros."""
    x = x.reshape(*x.shape[:axis], x.shape[axis] * x.shape[axis + 1], *x.shape[axis + 2 :])
    margins = [(0, 0, 0)] * x.ndim
    margins[axis] = (0, length - x.shape[axis], 0)
    return lax.pad(x, jnp.zeros((), x.dtype), margins)


def _elements(x: Float[Array, "B H W C"], rows: _Windows, columns: _Windows) -> list[Float[Array, "B Y X C"]]:
    """One slice for each element of a window, in row-major order."""
    return [element for row in rows.slices(x) for element in columns.slices(row)]


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _maxima(x: Float[Array, "B H W C"], rows: _Windows, columns: _Windows) -> Float[Array, "B Y X C"]:
    return functools.reduce(jnp.maximum, _elements(x, rows, columns))


def _maxima_forward(x, rows: _Windows, columns: _Windows):
    first, *others = _elements(x, rows, columns)
    maxima, argmax = first, jnp.zeros(first.shape, np.min_scalar_type(rows.size * columns.size))
    for index, element in enumerate(others, 1):
        argmax = jnp.where(element > maxima, argmax.dtype.type(index), argmax)
        maxima = jnp.maximum(maxima, element)
    return maxima, (argmax, x[:0])


def _maxima_backward(rows: _Windows, columns: _Windows, saved, gradient: Float[Array, "B Y X C"]):
    argmax, like = saved
    unpool = _unpool_contiguous if rows.contiguous and columns.contiguous else _unpool_overlapping
    return (unpool(gradient, argmax, rows, columns, like.shape[1:3]),)


_maxima.defvjp(_maxima_forward, _maxima_backward)


def _unpool_contiguous(gradient, argmax, rows: _Windows, columns: _Windows, size: tuple[int, int]):
    """Moves the gradient of each maximum to the element it came from, for contiguous windows."""
    gradient, argmax = (jnp.expand_dims(x, (2, 4)) for x in (gradient, argmax))
    index = lax.iota(argmax.dtype, rows.size * columns.size).reshape(rows.size, 1, columns.size, 1)
    shares = jnp.where(argmax == index, gradient, 0)
    return _joined(_joined(shares, 3, size[1]), 1, size[0])


def _unpool_overlapping(gradient, argmax, rows: _Windows, columns: _Windows, size: tuple[int, int]):
    """Moves the gradient of each maximum to the element it came from, for any strides; sums where windows overlap."""
    margins = [(0, 0, 0)] * gradient.ndim
    for windows, length in zip((rows, columns), size, strict=True):
        reach = (gradient.shape[windows.axis] - 1) * windows.stride + 1
        # so that the windows of element p are p to p + size - 1
        margins[windows.axis] = (windows.size - 1, length - reach, windows.stride - 1)
    gradient = lax.pad(gradient, jnp.zeros((), gradient.dtype), margins)
    argmax = lax.pad(argmax, argmax.dtype.type(rows.size * columns.size), margins)
    total, (height, width) = jnp.zeros((), gradient.dtype), size
    for y in range(rows.size):
        for x in range(columns.size):
            top, left = rows.size - 1 - y, columns.size - 1 - x
            index, share = (array[:, top : top + height, left : left + width] for array in (argmax, gradient))
            total += jnp.where(index == y * columns.size + x, share, 0)
    return total
