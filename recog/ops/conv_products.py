"""Convolutions as matrix products: im2col, per-tap products, shift-and-add, and their gradients.

A tap is one position of the kernel's window. Every tap multiplies a slice of the images by a ``C D`` matrix; the forms
differ in which side they gather before they multiply. ``margins`` are zeros around the images; negative ones crop.
"""

import functools
import itertools
import math
from collections.abc import Iterator

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from recog.ops.winograd import Margins


def im2col(
    images: Float[Array, "B H W C"], kernel: Float[Array, "Y X C D"], strides: tuple[int, int], margins: Margins
) -> Float[Array, "B P Q D"]:
    """One product of the patches under the kernel with the whole kernel."""
    patches = _patches(images, kernel, strides, margins)
    return (_as_matrix(patches) @ kernel.reshape(-1, kernel.shape[-1])).reshape(*patches.shape[:-1], kernel.shape[-1])


def shift_and_add(
    images: Float[Array, "B H W C"], kernel: Float[Array, "Y X C D"], margins: Margins
) -> Float[Array, "B P Q D"]:
    """One product of the images with the matrices of all taps, whose results are shifted and added; strides of one."""
    (height, width, channels, results), (rows, columns) = kernel.shape, margins
    matrices = kernel.reshape(-1, channels, results).swapaxes(0, 1).reshape(channels, -1)
    products = (_as_matrix(images) @ matrices).reshape(*images.shape[:3], -1, results)
    shifts = itertools.product(_shifts(height, rows), _shifts(width, columns))
    return functools.reduce(jnp.add, (_pad(products[..., tap, :], shift) for tap, shift in enumerate(shifts)))


def _shifts(size: int, margin: tuple[int, int]) -> list[tuple[int, int]]:
    """Margins, for each tap along an axis, that align its products with the results."""
    before, after = margin
    return [(before - tap, after - (size - 1 - tap)) for tap in range(size)]


def tap_loop(
    images: Float[Array, "B H W C"], kernel: Float[Array, "Y X C D"], strides: tuple[int, int], margins: Margins
) -> Float[Array, "B P Q D"]:
    """Sum of per-tap products, for kernels of one row or one column.

    XLA would fuse whatever produces the images, such as a dropout, into each tap's slice and recompute it for every
    tap; a loop computes it once.
    """
    images = _pad(images, margins)
    (height, width), (down, right) = kernel.shape[:2], strides
    spans = images.shape[1] - height + 1, images.shape[2] - width + 1
    axis = 1 if height > 1 else 2

    def add_tap(total, tap):
        number, matrix = tap
        part = lax.dynamic_slice_in_dim(images, number, spans[axis - 1], axis)[:, ::down, ::right]
        return total + (_as_matrix(part) @ matrix).reshape(total.shape), None

    matrices = kernel.reshape(-1, *kernel.shape[2:])
    results = [-(-span // stride) for span, stride in zip(spans, strides, strict=True)]
    total = jnp.zeros((images.shape[0], *results, kernel.shape[-1]), images.dtype)
    return lax.scan(add_tap, total, (jnp.arange(len(matrices)), matrices))[0]


def tap_sum(
    images: Float[Array, "B H W C"], kernel: Float[Array, "Y X C D"], strides: tuple[int, int], margins: Margins
) -> Float[Array, "B P Q D"]:
    """Sum of per-tap products without a loop, so that `jax.linear_transpose` gives fast gradients of the images."""
    slices, matrices = _tap_slices(images, kernel, strides, margins), kernel.reshape(-1, *kernel.shape[2:])
    products = (
        (_as_matrix(part) @ matrix).reshape(*part.shape[:-1], matrix.shape[-1])
        for part, matrix in zip(slices, matrices, strict=True)
    )
    return functools.reduce(jnp.add, products)


def kernel_gradient(
    images: Float[Array, "B H W C"],
    kernel: Float[Array, "Y X C D"],
    gradient: Float[Array, "B P Q D"],
    strides: tuple[int, int],
    margins: Margins,
    *,
    one_product: bool,
) -> Float[Array, "Y X C D"]:
    """Gradient of the kernel: one product over all patches, or one for each tap.

    With ``one_product``, XLA sees that `im2col` gathers the same patches in the forward pass, and shares them.
    """
    sides = images, kernel, strides, margins
    parts = [_patches(*sides)] if one_product else _tap_slices(*sides)
    return jnp.concatenate([_as_matrix(part).T @ _as_matrix(gradient) for part in parts]).reshape(kernel.shape)


def _patches(images, kernel, strides, margins) -> Float[Array, "B P Q Y*X*C"]:
    """Image patches under the kernel, one for each result."""
    # Concatenating along the channels would make XLA materialise every slice first.
    patches = jnp.stack(list(_tap_slices(images, kernel, strides, margins)), axis=-2)
    return patches.reshape(*patches.shape[:-2], math.prod(kernel.shape[:3]))


def _tap_slices(images, kernel, strides, margins) -> Iterator[Float[Array, "B P Q C"]]:
    """The slice of the padded images that each tap multiplies, in row-major order of the taps."""
    images = _pad(images, margins)
    (height, width), (down, right) = kernel.shape[:2], strides
    rows, columns = images.shape[1] - height + 1, images.shape[2] - width + 1
    for y in range(height):
        for x in range(width):
            yield images[:, y : y + rows : down, x : x + columns : right]


def _pad(images, margins) -> Float[Array, "B H+ W+ C"]:
    """Adds margins of zeros; crops where a margin is negative."""
    around = [(0, 0, 0), *((before, after, 0) for before, after in margins), (0, 0, 0)]
    return lax.pad(images, jnp.zeros((), images.dtype), around)


def _as_matrix(x: Float[Array, "B P Q C"]) -> Float[Array, "N C"]:
    """Merges all axes but the last: XLA transposes arrays of more axes before it multiplies them."""
    return x.reshape(-1, x.shape[-1])
