"""Transposed convolution whose gradients are fast on CPUs, as those of `recog.ops.conv_forms`."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from recog.ops import conv_products
from recog.ops.conv_forms import convolve, for_platform
from recog.ops.winograd import Margins

_LAYOUT = ("NHWC", "HWIO", "NHWC")


class TransposedConv(nn.Module):
    """PyTorch's ``ConvTranspose2d`` without output padding; with the parameters of ``nn.ConvTranspose``, whose kernel
    is PyTorch's mirrored.

    A side of ``n`` pixels becomes ``(n - 1) * stride + kernel - 2 * padding``.

    Example::

      x = TransposedConv(64, (4, 6), strides=(2, 2))(x)  # B 11 45 C -> B 24 94 64
    """

    channels: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    padding: int = 0
    """Pixels cropped from each side of the full result; less than the kernel's sides."""
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B Y X channels"]:
        """Applies the layer."""
        shape = (*self.kernel, x.shape[-1], self.channels)
        kernel = self.param("kernel", nn.initializers.he_normal(), shape).astype(self.dtype)
        bias = self.param("bias", nn.initializers.zeros, (self.channels,)).astype(self.dtype)
        return transposed_convolve(x.astype(self.dtype), kernel, self.strides, (self.padding, self.padding)) + bias


def transposed_convolve(
    images: Float[Array, "B H W C"],
    kernel: Float[Array, "Y X C D"],
    strides: tuple[int, int],
    cropped: tuple[int, int],
) -> Float[Array, "B P Q D"]:
    """Transposed convolution of images by a kernel, cropped on both sides of each axis.

    It is the gradient of the images of a convolution with these strides, whose margins are ``cropped``. So its own
    gradients are that convolution and the gradient of that convolution's kernel.
    """
    rows, columns = cropped
    return _transposed(images, kernel, strides, ((rows, rows), (columns, columns)))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _transposed(images, kernel, strides: tuple[int, int], margins: Margins) -> Float[Array, "B P Q D"]:
    return for_platform(_dilated, _dilated, strides, margins)(images, kernel)


def _forward(images, kernel, strides, margins):
    return _transposed(images, kernel, strides, margins), (images, kernel)


def _backward(strides, margins, saved, gradient: Float[Array, "B P Q D"]):
    images, kernel = saved
    for_images = convolve(gradient, _turned(kernel), strides, margins)
    of_kernel = for_platform(_product_gradient, _xla_gradient, strides, margins)
    return for_images, of_kernel(images, kernel, gradient)


_transposed.defvjp(_forward, _backward)


def _turned(kernel: Float[Array, "Y X C D"]) -> Float[Array, "Y X D C"]:
    """The kernel of the convolution whose gradient a transposed convolution is, and back."""
    return kernel[::-1, ::-1].swapaxes(2, 3)


def _dilated(images, kernel, *, strides, margins: Margins):
    """A convolution of the images with zeros between their pixels."""
    if any(side > length for side, length in zip(kernel.shape[:2], images.shape[1:3], strict=True)):
        # XLA (jaxlib 0.10.2) ends the process over dilated images that are smaller than the kernel in one direction.
        between = [(0, 0, stride - 1) for stride in (1, *strides, 1)]
        images = lax.optimization_barrier(lax.pad(images, jnp.zeros((), images.dtype), between))
        strides = (1, 1)
    around = [(size - 1 - low, size - 1 - high) for size, (low, high) in zip(kernel.shape, margins, strict=False)]
    return lax.conv_general_dilated(images, kernel, (1, 1), around, lhs_dilation=strides, dimension_numbers=_LAYOUT)


def _product_gradient(images, kernel, gradient, *, strides, margins: Margins):
    """One matrix product for each tap of the kernel."""
    turned = _turned(kernel)
    return _turned(conv_products.kernel_gradient(gradient, turned, images, strides, margins, one_product=False))


def _xla_gradient(images, kernel, gradient, *, strides, margins: Margins):
    dilated = functools.partial(_dilated, images, strides=strides, margins=margins)
    return jax.linear_transpose(dilated, kernel)(gradient)[0]
