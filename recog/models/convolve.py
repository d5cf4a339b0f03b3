"""Convolution whose gradients CPUs compute as matrix products.

XLA compiles the gradient for a kernel as a convolution whose window is the whole picture. Accelerators have programs
for that; a CPU takes up to five times as long for it as for the matrix products, one for each tap, that it is.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

LAYOUT = ("NHWC", "HWIO", "NHWC")


def convolve(
    images: Float[Array, "B H W C"],
    kernel: Float[Array, "Y X C D"],
    strides: tuple[int, int],
    padding: str | tuple[tuple[int, int], tuple[int, int]],
    **settings,
) -> Float[Array, "B P Q D"]:
    """What `jax.lax.conv_general_dilated` computes: ``nn.Conv(..., conv_general_dilated=convolve)``.

    Kernels of 1x1 are a product with a matrix, forwards too. Dilation and groups, in ``settings``, go to JAX's own.
    """
    plain = {"lhs_dilation": (1, 1), "rhs_dilation": (1, 1), "feature_group_count": 1}
    if any(settings.get(name, value) != value for name, value in plain.items()):
        return lax.conv_general_dilated(images, kernel, strides, padding, **settings)
    if not isinstance(padding, str):
        (above, below), (left, right) = padding
        padding = (above, below), (left, right)
    if kernel.shape[:2] == tuple(strides) == (1, 1) and padding in ("SAME", "VALID", ((0, 0), (0, 0))):
        return jnp.einsum("bhwc,cd->bhwd", images, kernel[0, 0])
    return _convolve(images, kernel, tuple(strides), padding)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolve(images, kernel, strides, padding):
    return lax.conv_general_dilated(images, kernel, strides, padding, dimension_numbers=LAYOUT)


def _forward(images, kernel, strides, padding):
    return _convolve(images, kernel, strides, padding), (images, kernel)


def _backward(strides, padding, saved, gradient):
    images, kernel = saved

    def native(images, kernel):
        return lax.conv_general_dilated(images, kernel, strides, padding, dimension_numbers=LAYOUT)

    def kernel_gradient(images, gradient):
        return jax.linear_transpose(functools.partial(native, images), kernel)(gradient)[0]

    (to_images,) = jax.linear_transpose(lambda images: native(images, kernel), images)(gradient)
    product = functools.partial(_tap_products, size=kernel.shape[:2], strides=strides, padding=padding)
    return to_images, lax.platform_dependent(images, gradient, cpu=product, default=kernel_gradient)


_convolve.defvjp(_forward, _backward)


def _tap_products(images, gradient, *, size, strides, padding) -> Float[Array, "Y X C D"]:
    """The gradient for the kernel: for each tap, what it saw at every place times what comes back to the place."""
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(images.shape[1:3], size, strides, padding)
    images = jnp.pad(images, ((0, 0), *padding, (0, 0)))
    rows, columns = ((places - 1) * stride + 1 for places, stride in zip(gradient.shape[1:3], strides, strict=True))
    products = [
        # In this order XLA need not turn what the tap saw.
        jnp.einsum("bpqd,bpqc->dc", gradient, images[:, y : y + rows : strides[0], x : x + columns : strides[1]]).T
        for y in range(size[0])
        for x in range(size[1])
    ]
    return jnp.stack(products).reshape(*size, *products[0].shape)
