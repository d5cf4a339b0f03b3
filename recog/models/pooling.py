"""Max and mean pooling without padding, with gradients that CPUs compute fast.

XLA compiles the gradient of a window reduction as a scatter. Pooling goes one axis after the other instead, as maxima
or sums of slices: the first element of every window, the second of every window, and so on.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, UInt8


class _Windows(NamedTuple):
    """Of one axis."""

    axis: int
    size: int
    stride: int

    def slices(self, x: Array) -> list[Array]:
        """The elements of every window, place by place."""
        axis, length = self.axis, x.shape[self.axis]
        if self.size == self.stride and not (isinstance(length, int) and length >= self.size):
            # It may be a symbol, when a program for any width is exported, or there may be no window.
            x = lax.slice_in_dim(x, 0, length // self.size * self.size, axis=axis)
            x = x.reshape(*x.shape[:axis], length // self.size, self.size, *x.shape[axis + 1 :])
            return [lax.index_in_dim(x, place, axis + 1, keepdims=False) for place in range(self.size)]
        reach = (length - self.size) // self.stride * self.stride + 1
        return [lax.slice_in_dim(x, place, place + reach, self.stride, axis) for place in range(self.size)]

    def joined(self, x: Array, length: int) -> Array:
        """Windows side by side, their elements along an axis of its own, as one axis of ``length``; zeros fill it."""
        axis = self.axis
        x = x.reshape(*x.shape[:axis], x.shape[axis] * x.shape[axis + 1], *x.shape[axis + 2 :])
        margins = [(0, 0, 0)] * x.ndim
        margins[axis] = (0, length - x.shape[axis], 0)
        return lax.pad(x, jnp.zeros((), x.dtype), margins)


def max_pool(
    x: Float[Array, "B H W C"], window: tuple[int, int], strides: tuple[int, int] | None = None
) -> Float[Array, "B Y X C"]:
    """Maxima of windows; strides default to the window. Of equal ones the first has the gradient, as in PyTorch."""
    for windows in map(_Windows, (1, 2), window, strides or window):
        x = _maxima(x, windows)
    return x


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
    return (blocks.joined(shares, like.shape[blocks.axis]),)


_block_sums.defvjp(_block_sums_forward, _block_sums_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _maxima(x: Float[Array, "B H W C"], windows: _Windows) -> Float[Array, "B Y X C"]:
    return functools.reduce(jnp.maximum, windows.slices(x))


def _maxima_forward(x, windows: _Windows):
    first, *others = windows.slices(x)
    maxima, places = first, jnp.zeros(first.shape, jnp.uint8)
    for place, element in enumerate(others, 1):
        places = jnp.where(element > maxima, jnp.uint8(place), places)
        maxima = jnp.maximum(maxima, element)
    return maxima, (places, x[:0])


def _maxima_backward(windows: _Windows, saved, gradient: Float[Array, "B Y X C"]):
    places, like = saved
    return (_unpool(gradient, places, windows, like.shape[windows.axis]),)


def _unpool(gradient: Array, places: UInt8[Array, "B Y X C"], windows: _Windows, length: int) -> Array:
    """The gradients of the maxima at the places where the maxima were."""
    axis, size, stride = windows
    if size == stride:
        gradient, places = (jnp.expand_dims(x, axis + 1) for x in (gradient, places))
        mine = places == lax.broadcasted_iota(jnp.uint8, (size,) + (1,) * (gradient.ndim - axis - 2), 0)
        return windows.joined(jnp.where(mine, gradient, 0), length)
    margins = [(0, 0, 0)] * gradient.ndim
    reach = (gradient.shape[axis] - 1) * stride + 1
    margins[axis] = (size - 1, length - reach, stride - 1)  # so that element p has its windows at p to p + size - 1
    gradient, places = (lax.pad(x, jnp.asarray(fill, x.dtype), margins) for x, fill in ((gradient, 0), (places, size)))
    total = jnp.zeros((), gradient.dtype)
    for place in range(size):
        start = size - 1 - place
        mine, share = (lax.slice_in_dim(x, start, start + length, axis=axis) for x in (places, gradient))
        total += jnp.where(mine == place, share, 0)
    return total


_maxima.defvjp(_maxima_forward, _maxima_backward)
