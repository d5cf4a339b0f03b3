"""Convolution in the form that is fastest on each platform, for inference, training and gradients.

On accelerators that is XLA's own convolution. On CPUs it depends on shapes: matrix products (`recog.ops.conv_products`)
for kernels of one row or column, Winograd's algorithm (`recog.ops.winograd`) for 3x3 kernels with many channels, XLA's
convolution otherwise.

The limits are empirical, from the layers of the shipped configurations on two cores of an AMD EPYC.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Float

from recog.ops import conv_products, winograd
from recog.ops.winograd import Margins

LOOP_MIN_TAPS = 5
"""Minimum taps of a kernel of one row or column over which inference loops."""
WINOGRAD_MIN_CHANNELS = 32
"""Minimum input and output channels for which Winograd pays off."""
WINOGRAD_MIN_RESULTS = 1024
"""Minimum output positions per batch for which Winograd pays off: they share the transform of the kernel."""


def convolve(
    images: Float[Array, "B H W C"],
    kernel: Float[Array, "Y X C D"],
    strides: tuple[int, int],
    padding: str | Margins,
    **settings,
) -> Float[Array, "B P Q D"]:
    """Drop-in for `jax.lax.conv_general_dilated`, NHWC: ``nn.Conv(..., conv_general_dilated=convolve)``.

    On CPUs, XLA's matrix products are faster than its convolutions of narrow kernels, and far faster than its
    gradient of a kernel, which is a convolution with a window as large as the image. The platform is that for which a
    program is lowered, wherever it is traced. Dilated and grouped convolutions are always XLA's.
    """
    plain = {"lhs_dilation": (1, 1), "rhs_dilation": (1, 1), "feature_group_count": 1}
    if any(settings.get(name, value) != value for name, value in plain.items()):
        return lax.conv_general_dilated(images, kernel, strides, padding, **settings)
    if isinstance(padding, str):
        rows, columns = lax.padtype_to_pads(images.shape[1:3], kernel.shape[:2], strides, padding)
        padding = rows, columns
    return _convolve(images, kernel, strides, padding)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolve(images, kernel, strides: tuple[int, int], margins: Margins) -> Float[Array, "B P Q D"]:
    return for_platform(_cpu_inference, _xla_convolve, strides, margins)(images, kernel)


def _forward(images, kernel, strides, margins):
    convolve = for_platform(_cpu_training, _xla_convolve, strides, margins)
    return convolve(images, kernel), (images, kernel)


def _backward(strides, margins, saved, gradient: Float[Array, "B P Q D"]):
    return for_platform(_cpu_gradients, _xla_gradients, strides, margins)(*saved, gradient)


_convolve.defvjp(_forward, _backward)


def for_platform(on_cpu: Callable, elsewhere: Callable, strides, margins) -> Callable:
    """Chooses the function when a program is lowered.

    Under `jax.vmap` CPUs run the mapped instances one after the other: kernels of several models make a grouped
    convolution, which XLA runs slowly on CPUs.
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


def _xla_convolve(images, kernel, strides, margins):
    return lax.conv_general_dilated(images, kernel, strides, margins, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _xla_gradients(images, kernel, gradient, strides, margins):
    _, pull_back = jax.vjp(functools.partial(_xla_convolve, strides=strides, margins=margins), images, kernel)
    return pull_back(gradient)


def _cpu_inference(images, kernel, strides, margins):
    taps, (channels, results) = math.prod(kernel.shape[:2]), kernel.shape[2:]
    if not _narrow(images, kernel, margins):
        return _winograd_or_xla(images, kernel, strides, margins)
    if taps >= LOOP_MIN_TAPS:
        return conv_products.tap_loop(images, kernel, strides, margins)
    if strides == (1, 1) and results <= channels:  # the results of all taps take less memory than the patches
        return conv_products.shift_and_add(images, kernel, margins)
    return conv_products.im2col(images, kernel, strides, margins)


def _cpu_training(images, kernel, strides, margins):
    """Always by im2col if narrow: the gradient of an activation would compute shifted products again."""
    if _narrow(images, kernel, margins):
        return conv_products.im2col(images, kernel, strides, margins)
    return _winograd_or_xla(images, kernel, strides, margins)


def _winograd_or_xla(images, kernel, strides, margins):
    tiles = functools.partial(winograd.convolve, margins=margins)
    direct = functools.partial(_xla_convolve, strides=strides, margins=margins)
    return _cond(_winograd_pays(images, kernel, strides, margins), tiles, direct, images, kernel)


def _cpu_gradients(images, kernel, gradient, strides, margins):
    def in_tiles(images, kernel, gradient):
        _, pull_back = jax.vjp(functools.partial(winograd.convolve, margins=margins), images, kernel)
        return pull_back(gradient)

    direct = functools.partial(_direct_gradients, strides=strides, margins=margins)
    return _cond(_winograd_pays(images, kernel, strides, margins), in_tiles, direct, images, kernel, gradient)


def _winograd_pays(images, kernel, strides, margins) -> bool | Bool[Array, ""]:
    """Whether Winograd is faster and exact enough, which it is not in bfloat16.

    A traced condition, evaluated by the compiler, where the batch size is symbolic and decides.
    """
    usual = kernel.shape[:2] == (winograd.KERNEL, winograd.KERNEL) and strides == (1, 1)
    if not usual or kernel.dtype != jnp.float32 or min(kernel.shape[2:]) < WINOGRAD_MIN_CHANNELS:
        return False
    results = images.shape[0]
    for length, zeros in zip(images.shape[1:3], margins, strict=True):
        results *= length + sum(zeros) - (winograd.KERNEL - 1)
    return results >= WINOGRAD_MIN_RESULTS if isinstance(results, int) else jnp.asarray(results) >= WINOGRAD_MIN_RESULTS


def _cond(condition: bool | Bool[Array, ""], yes: Callable, no: Callable, *arrays):
    if isinstance(condition, bool):
        return (yes if condition else no)(*arrays)
    return lax.cond(condition, yes, no, *arrays)


def _narrow(images, kernel: Float[Array, "Y X C D"], margins) -> bool:
    """Whether the kernel has one row or one column, and fits into the images."""
    sizes = [length + sum(zeros) for length, zeros in zip(images.shape[1:3], margins, strict=True)]
    known = all(isinstance(size, int) for size in sizes)  # symbols in programs for images of any width
    empty = known and any(size < its for size, its in zip(sizes, kernel.shape, strict=False))
    return 1 in kernel.shape[:2] and not empty


def _direct_gradients(images, kernel, gradient, strides, margins):
    """Gradients of images and kernel; that of the kernel is always a matrix product."""
    if 0 in gradient.shape:
        return jnp.zeros_like(images), jnp.zeros_like(kernel)
    narrow = _narrow(images, kernel, margins)
    linear = conv_products.tap_sum if narrow else _xla_convolve
    (for_images,) = jax.linear_transpose(lambda x: linear(x, kernel, strides, margins), images)(gradient)
    for_kernel = conv_products.kernel_gradient(images, kernel, gradient, strides, margins, one_product=narrow)
    return for_images, for_kernel
