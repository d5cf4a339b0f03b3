"""Convolution that CPUs compute fast, forth and back."""

import functools
import itertools
import math
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Float

from recog.ops import winograd

FEW_CHANNELS = 4
"""So many, a picture's, are side by side for all places of a kernel of any size."""
LEAST_CHANNELS = 32
"""That make convolving in tiles pay on CPUs."""
MOST_AT_ONCE = 4
"""At most so many places of a narrow kernel are side by side."""
LEAST_RESULTS = 1024
"""Of a kernel, in a whole batch, that pay for turning it into the tiles' basis."""


def convolve(
    images: Float[Array, "B H W C"],
    kernel: Float[Array, "Y X C D"],
    strides: tuple[int, int],
    padding: str | winograd.Margins,
    **settings,
) -> Float[Array, "B P Q D"]:
    """What `jax.lax.conv_general_dilated` computes: ``nn.Conv(..., conv_general_dilated=convolve)``.

    On CPUs, XLA's matrix products are faster than its convolutions of few rows or channels, and far faster than its
    gradient for a kernel, a convolution whose window is the whole picture. So there a kernel of one row or column, or
    for a picture's few channels, is a matrix product with what all of its places see, or one product for each place;
    gradients for kernels of any size are such products. Kernels of 3x3 with many channels and many results, in float32,
    go in tiles (`recog.ops.winograd`), which saves more than half of the multiplications.
    Accelerators have programs of their own for all of it. Which of them is compiled is the platform's that a program is
    lowered for, wherever it is traced.
    """
    plain = {"lhs_dilation": (1, 1), "rhs_dilation": (1, 1), "feature_group_count": 1}
    if any(settings.get(name, value) != value for name, value in plain.items()):
        return lax.conv_general_dilated(images, kernel, strides, padding, **settings)
    if isinstance(padding, str):
        above, aside = lax.padtype_to_pads(images.shape[1:3], kernel.shape[:2], strides, padding)
        padding = above, aside
    return _convolve(images, kernel, strides, padding)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolve(images, kernel, strides: tuple[int, int], margins: winograd.Margins) -> Float[Array, "B P Q D"]:
    return _by_platform(_cpu_convolve, _jax_convolve, strides, margins)(images, kernel)


def _forward(images, kernel, strides, margins):
    convolve = _by_platform(_cpu_convolve_to_learn, _jax_convolve, strides, margins)
    return convolve(images, kernel), (images, kernel)


def _backward(strides, margins, saved, gradient: Float[Array, "B P Q D"]):
    return _by_platform(_cpu_gradients, _jax_gradients, strides, margins)(*saved, gradient)


_convolve.defvjp(_forward, _backward)


def _by_platform(on_cpu: Callable, elsewhere: Callable, strides, margins) -> Callable:
    """The function for the platform that a program is lowered for.

    Under `jax.vmap` CPUs take one after the other: kernels of several models make a grouped convolution, for which XLA
    has no fast program there.
    """
    on_cpu, elsewhere = (
        functools.partial(function, strides=strides, margins=margins) for function in (on_cpu, elsewhere)
    )

    @custom_vmap
    def chosen(*arrays):
        return lax.platform_dependent(*arrays, cpu=on_cpu, default=elsewhere)

    @chosen.def_vmap
    def _(count, mapped, *arrays):
        axes = tuple(0 if has else None for has in mapped)

        def one_by_one(*arrays):
            parts = ([x[i] if has else x for x, has in zip(arrays, mapped, strict=True)] for i in range(count))
            return jax.tree.map(lambda *results: jnp.stack(results), *(on_cpu(*part) for part in parts))

        found = lax.platform_dependent(*arrays, cpu=one_by_one, default=jax.vmap(elsewhere, axes))
        return found, jax.tree.map(lambda _: True, found)

    return chosen


def _jax_convolve(images, kernel, strides, margins):
    return lax.conv_general_dilated(images, kernel, strides, margins, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _jax_gradients(images, kernel, gradient, strides, margins):
    _, pull_back = jax.vjp(functools.partial(_jax_convolve, strides=strides, margins=margins), images, kernel)
    return pull_back(gradient)


def _cpu_convolve(images, kernel, strides, margins):
    form = _form(images, kernel, margins)
    if form is _side_by_side and _fewer_results(kernel, strides):
        form = _results_side_by_side
    return _in_tiles_or(form, images, kernel, strides, margins)


def _cpu_convolve_to_learn(images, kernel, strides, margins):
    """Not by `_results_side_by_side`, whose products the gradient of an activation would read again."""
    return _in_tiles_or(_form(images, kernel, margins), images, kernel, strides, margins)


def _in_tiles_or(form: Callable, images, kernel, strides, margins):
    tiles = functools.partial(winograd.convolve, margins=margins)
    plain = functools.partial(form, strides=strides, margins=margins)
    return _choose(_in_tiles(images, kernel, strides, margins), tiles, plain, images, kernel)


def _cpu_gradients(images, kernel, gradient, strides, margins):
    def in_tiles(images, kernel, gradient):
        _, pull_back = jax.vjp(functools.partial(winograd.convolve, margins=margins), images, kernel)
        return pull_back(gradient)

    by_products = functools.partial(_gradients_by_products, strides=strides, margins=margins)
    return _choose(_in_tiles(images, kernel, strides, margins), in_tiles, by_products, images, kernel, gradient)


def _in_tiles(images, kernel, strides, margins) -> bool | Bool[Array, ""]:
    """Whether tiles are faster and as good: bfloat16 would not bear their rounding errors.

    Known as a program of any batch size is traced but where that size decides, which is when it is compiled.
    """
    usual = kernel.shape[:2] == (winograd.KERNEL, winograd.KERNEL) and strides == (1, 1)
    if not usual or kernel.dtype != jnp.float32 or min(kernel.shape[2:]) < LEAST_CHANNELS:
        return False
    results = images.shape[0]
    for length, zeros in zip(images.shape[1:3], margins, strict=True):
        results *= length + sum(zeros) - (winograd.KERNEL - 1)
    return results >= LEAST_RESULTS if isinstance(results, int) else jnp.asarray(results) >= LEAST_RESULTS


def _choose(condition: bool | Bool[Array, ""], yes: Callable, no: Callable, *arrays):
    if isinstance(condition, bool):
        return (yes if condition else no)(*arrays)
    return lax.cond(condition, yes, no, *arrays)


def _narrow(kernel: Float[Array, "Y X C D"]) -> bool:
    return 1 in kernel.shape[:2]


def _fewer_results(kernel: Float[Array, "Y X C D"], strides) -> bool:
    """Whether a narrow kernel's places are better side by side in the results than in the images."""
    channels, results = kernel.shape[2:]
    return _narrow(kernel) and strides == (1, 1) and results <= channels


def _form(images, kernel: Float[Array, "Y X C D"], margins) -> Callable:
    """How it is convolved with in no tiles."""
    sizes = [length + sum(zeros) for length, zeros in zip(images.shape[1:3], margins, strict=True)]
    known = all(isinstance(size, int) for size in sizes)  # otherwise, for programs of any width, a symbol
    if known and any(size < its for size, its in zip(sizes, kernel.shape, strict=False)):
        return _jax_convolve  # whose result is empty
    places, (channels, results) = math.prod(kernel.shape[:2]), kernel.shape[2:]
    if _narrow(kernel):
        return _side_by_side if places <= MOST_AT_ONCE else _loop_of_products
    few = known and channels <= FEW_CHANNELS and places * channels <= 2 * results  # memory: twice that of the results
    return _side_by_side if few else _jax_convolve


def _side_by_side(images, kernel, strides, margins) -> Float[Array, "B P Q D"]:
    """One product, with what all places see side by side."""
    seen = _gather(images, kernel, strides, margins)
    return (_rows(seen) @ kernel.reshape(-1, kernel.shape[-1])).reshape(*seen.shape[:-1], kernel.shape[-1])


def _results_side_by_side(images, kernel, strides, margins) -> Float[Array, "B P Q D"]:
    """Of strides of one: one product with all places' matrices, its results shifted and added up."""
    (height, width, channels, results), (above, aside) = kernel.shape, margins
    matrices = kernel.reshape(-1, channels, results).swapaxes(0, 1).reshape(channels, -1)
    products = (_rows(images) @ matrices).reshape(*images.shape[:3], -1, results)
    shifts = itertools.product(_shifts(height, above), _shifts(width, aside))
    return functools.reduce(jnp.add, (_padded(products[..., i, :], shift) for i, shift in enumerate(shifts)))


def _shifts(size: int, margin: tuple[int, int]) -> list[tuple[int, int]]:
    """By place of a kernel along an axis, the margins of what it adds to the results."""
    before, after = margin
    return [(before - place, after - (size - 1 - place)) for place in range(size)]


def _loop_of_products(images, kernel, strides, margins) -> Float[Array, "B P Q D"]:
    """A sum of products, place after place.

    XLA would fuse what makes the images, such as a dropout, with each place's slice of them, and compute it as often; a
    loop has them made once.
    """
    images = _padded(images, margins)
    (height, width), (down, right) = kernel.shape[:2], strides
    spans = images.shape[1] - height + 1, images.shape[2] - width + 1
    axis = 1 if height > 1 else 2

    def add_place(total, place):
        number, matrix = place
        seen = lax.dynamic_slice_in_dim(images, number, spans[axis - 1], axis)[:, ::down, ::right]
        return total + (_rows(seen) @ matrix).reshape(total.shape), None

    matrices = kernel.reshape(-1, *kernel.shape[2:])
    results = [-(-span // stride) for span, stride in zip(spans, strides, strict=True)]
    total = jnp.zeros((images.shape[0], *results, kernel.shape[-1]), images.dtype)
    return lax.scan(add_place, total, (jnp.arange(len(matrices)), matrices))[0]


def _sum_of_products(images, kernel, strides, margins) -> Float[Array, "B P Q D"]:
    """The same without a loop: to be transposed."""
    places, matrices = _places(images, kernel, strides, margins), kernel.reshape(-1, *kernel.shape[2:])
    products = (
        (_rows(seen) @ matrix).reshape(*seen.shape[:-1], matrix.shape[-1])
        for seen, matrix in zip(places, matrices, strict=True)
    )
    return functools.reduce(jnp.add, products)


def _gradients_by_products(images, kernel, gradient, strides, margins):
    if 0 in gradient.shape:
        return jnp.zeros_like(images), jnp.zeros_like(kernel)
    side_by_side = _form(images, kernel, margins) is _side_by_side
    if side_by_side and _fewer_results(kernel, strides):
        return _gradients_side_by_side(images, kernel, gradient, margins)
    forth = _sum_of_products if _narrow(kernel) else _jax_convolve
    (for_images,) = jax.linear_transpose(lambda x: forth(x, kernel, strides, margins), images)(gradient)
    # Together, XLA sees that the way forth has made the same, and keeps it.
    together = side_by_side or kernel.shape[2] <= FEW_CHANNELS
    seen = [_gather(images, kernel, strides, margins)] if together else _places(images, kernel, strides, margins)
    for_kernel = [_rows(place).T @ _rows(gradient) for place in seen]
    return for_images, jnp.concatenate(for_kernel).reshape(kernel.shape)


def _gradients_side_by_side(images, kernel, gradient, margins):
    """Of strides of one, by convolving the gradient with the kernel turned around: two products of the same rows.

    For no more results than channels: the gradient is side by side.
    """
    turned = kernel[::-1, ::-1].swapaxes(2, 3)
    size, channels = kernel.shape[:2], kernel.shape[2]
    around = tuple((n - 1 - before, n - 1 - after) for n, (before, after) in zip(size, margins, strict=True))
    seen = _rows(_gather(gradient, turned, (1, 1), around))
    for_images = seen @ turned.reshape(-1, channels)
    for_kernel = (_rows(images).T @ seen).reshape(channels, *size, -1).transpose(1, 2, 0, 3)[::-1, ::-1]
    return for_images.reshape(images.shape), for_kernel


def _gather(images, kernel, strides, margins) -> Float[Array, "B P Q Y*X*C"]:
    """What all places of the kernel see, side by side."""
    seen = list(_places(images, kernel, strides, margins))
    # XLA makes the places' slices first where they are joined along the channels. So be it where channels are few.
    few = images.shape[-1] <= FEW_CHANNELS
    joined = jnp.concatenate(seen, axis=-1) if few else jnp.stack(seen, axis=-2)
    return joined.reshape(*seen[0].shape[:-1], len(seen) * images.shape[-1])


def _places(images, kernel, strides, margins) -> Iterator[Float[Array, "B P Q C"]]:
    """What each place of the kernel sees, row by row."""
    images = _padded(images, margins)
    (height, width), (down, right) = kernel.shape[:2], strides
    rows, columns = images.shape[1] - height + 1, images.shape[2] - width + 1
    for y in range(height):
        for x in range(width):
            yield images[:, y : y + rows : down, x : x + columns : right]


def _padded(images, margins) -> Float[Array, "B H+ W+ C"]:
    """Negative margins cut off."""
    around = [(0, 0, 0), *((before, after, 0) for before, after in margins), (0, 0, 0)]
    return lax.pad(images, jnp.zeros((), images.dtype), around)


def _rows(x: Float[Array, "B P Q C"]) -> Float[Array, "N C"]:
    """Of two axes: XLA multiplies arrays of more only after copying them into another order."""
    return x.reshape(-1, x.shape[-1])
