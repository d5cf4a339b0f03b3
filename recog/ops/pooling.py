"""Max and mean pooling without padding, with gradients that CPUs compute fast.

XLA compiles the gradient of a window reduction as a scatter. Pooling is maxima or sums of slices instead: the first
element of every window, the second of every window, and so on; means go one axis after the other.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float


class _Windows(NamedTuple):
    """Of one axis."""

    axis: int
    size: int
    stride: int

    @property
    def apart(self) -> bool:
        """Side by side, without overlap or gap."""
        return self.size == self.stride

    def slices(self, x: Array) -> list[Array]:
        """The elements of every window, place by place."""
        axis, length = self.axis, x.shape[self.axis]
        if isinstance(length, int) and length < self.size:
            return [lax.slice_in_dim(x, 0, 0, axis=axis)] * self.size
        if self.apart and not isinstance(length, int):  # a symbol: a program for any width is exported
            x = lax.slice_in_dim(x, 0, length // self.size * self.size, axis=axis)
            x = x.reshape(*x.shape[:axis], length // self.size, self.size, *x.shape[axis + 1 :])
            return [lax.index_in_dim(x, place, axis + 1, keepdims=False) for place in range(self.size)]
        reach = (length - self.size) // self.stride * self.stride + 1
        return [lax.slice_in_dim(x, place, place + reach, self.stride, axis) for place in range(self.size)]


def max_pool(
    x: Float[Array, "B H W C"], window: tuple[int, int], strides: tuple[int, int] | None = None
) -> Float[Array, "B Y X C"]:
    """Maxima of windows; strides default to the window.

    Of equal ones the first of the first row has the gradient, as in PyTorch.
    """
    rows, columns = map(_Windows, (1, 2), window, strides or window)
    if rows.apart == columns.apart:
        return _maxima(x, rows, columns)
    along_rows = _maxima(x, _Windows(1, 1, 1), columns)
    return _maxima(along_rows, rows, _Windows(2, 1, 1))


def mean_pool(x: Float[Array, "B H W C"], window: tuple[int, int], strides: tuple[int, int]) -> Float[Array, "B Y X C"]:
    """Means of windows."""
    for windows in map(_Windows, (1, 2), window, strides):
        x = _sums(x, windows) / windows.size
    return x


def _sums(x: Float[Array, "B H W C"], windows: _Windows) -> Float[Array, "B Y X C"]:
    """Windows a multiple of their stride long are made of blocks, each of which is summed once."""
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
    """Windows along an axis, their elements along the next one, as one axis of ``length``; zeros fill it."""
    x = x.reshape(*x.shape[:axis], x.shape[axis] * x.shape[axis + 1], *x.shape[axis + 2 :])
    margins = [(0, 0, 0)] * x.ndim
    margins[axis] = (0, length - x.shape[axis], 0)
    return lax.pad(x, jnp.zeros((), x.dtype), margins)


def _elements(x: Float[Array, "B H W C"], rows: _Windows, columns: _Windows) -> list[Float[Array, "B Y X C"]]:
    """Of every window, place by place, row by row."""
    return [element for row in rows.slices(x) for element in columns.slices(row)]


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _maxima(x: Float[Array, "B H W C"], rows: _Windows, columns: _Windows) -> Float[Array, "B Y X C"]:
    return functools.reduce(jnp.maximum, _elements(x, rows, columns))


def _maxima_forward(x, rows: _Windows, columns: _Windows):
    first, *others = _elements(x, rows, columns)
    maxima, places = first, jnp.zeros(first.shape, np.min_scalar_type(rows.size * columns.size))
    for place, element in enumerate(others, 1):
        places = jnp.where(element > maxima, places.dtype.type(place), places)
        maxima = jnp.maximum(maxima, element)
    return maxima, (places, x[:0])


def _maxima_backward(rows: _Windows, columns: _Windows, saved, gradient: Float[Array, "B Y X C"]):
    places, like = saved
    unpool = _unpool_apart if rows.apart and columns.apart else _unpool_overlapping
    return (unpool(gradient, places, rows, columns, like.shape[1:3]),)


_maxima.defvjp(_maxima_forward, _maxima_backward)


def _unpool_apart(gradient, places, rows: _Windows, columns: _Windows, size: tuple[int, int]):
    """The gradients of the maxima at the places where the maxima were."""
    gradient, places = (jnp.expand_dims(x, (2, 4)) for x in (gradient, places))
    mine = lax.iota(places.dtype, rows.size * columns.size).reshape(rows.size, 1, columns.size, 1)
    shares = jnp.where(places == mine, gradient, 0)
    return _joined(_joined(shares, 3, size[1]), 1, size[0])


def _unpool_overlapping(gradient, places, rows: _Windows, columns: _Windows, size: tuple[int, int]):
    """The same, summed where windows overlap."""
    margins = [(0, 0, 0)] * gradient.ndim
    for windows, length in zip((rows, columns), size, strict=True):
        reach = (gradient.shape[windows.axis] - 1) * windows.stride + 1
        # so that element p has its windows at p to p + size - 1
        margins[windows.axis] = (windows.size - 1, length - reach, windows.stride - 1)
    gradient = lax.pad(gradient, jnp.zeros((), gradient.dtype), margins)
    places = lax.pad(places, places.dtype.type(rows.size * columns.size), margins)
    total, (height, width) = jnp.zeros((), gradient.dtype), size
    for y in range(rows.size):
        for x in range(columns.size):
            top, left = rows.size - 1 - y, columns.size - 1 - x
            mine, share = (array[:, top : top + height, left : left + width] for array in (places, gradient))
            total += jnp.where(mine == y * columns.size + x, share, 0)
    return total
