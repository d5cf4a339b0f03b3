"""Convolution whose 1x1 kernels are matrix products."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


def convolve(
    images: Float[Array, "B H W C"],
    kernel: Float[Array, "Y X C D"],
    strides: tuple[int, int],
    padding: str | tuple[tuple[int, int], tuple[int, int]],
    **settings,
) -> Float[Array, "B P Q D"]:
    """What `jax.lax.conv_general_dilated` computes: ``nn.Conv(..., conv_general_dilated=convolve)``.

    XLA compiles the gradient for a kernel as a convolution whose window is the whole picture. Accelerators have
    programs for that; CPUs compute the matrix product that it is for a 1x1 kernel sooner.
    """
    plain = {"lhs_dilation": (1, 1), "rhs_dilation": (1, 1), "feature_group_count": 1}
    if (
        (*kernel.shape[:2], *strides) == (1, 1, 1, 1)
        and (padding in ("SAME", "VALID") or not any(map(any, padding)))
        and all(settings.get(name, value) == value for name, value in plain.items())
    ):
        return jnp.einsum("bhwc,cd->bhwd", images, kernel[0, 0])
    return lax.conv_general_dilated(images, kernel, strides, padding, **settings)
