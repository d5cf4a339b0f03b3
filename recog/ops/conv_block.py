"""Convolution, batch normalisation and activation as one Flax layer."""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.ops.batch_norm import EPSILON, BatchNorm
from recog.ops.conv_forms import convolve
from recog.ops.depthwise import depthwise
from recog.ops.winograd import Margins


def scaled(channels: int, width: float) -> int:
    """A published channel count times ``width``, rounded; at least 1."""
    return max(1, round(channels * width))


def rows_with_samples(widths: Int[Array, " B"]) -> Bool[Array, "B 1"]:
    """Mask of the rows that hold a sample, for models of a fixed input width; the other rows have width 0."""
    return (widths > 0)[:, None]


class BareConv(nn.Module):
    """``nn.Conv`` that returns its bias instead of adding it; with the same parameters.

    Example::

      x, bias = BareConv(64, (3, 3))(x)
    """

    channels: int
    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str | Margins = "SAME"
    use_bias: bool = True
    dtype: jnp.dtype = jnp.float32
    kernel_init: nn.initializers.Initializer = nn.initializers.he_normal()
    depthwise: bool = False
    """Whether every channel is convolved alone, as with ``feature_group_count=channels``."""

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"]) -> tuple[Float[Array, "B Y X D"], Float[Array, " D"] | float]:
        """Results without the bias, and the bias: float32, or 0 without one."""
        shape = (*self.kernel, 1 if self.depthwise else x.shape[-1], self.channels)
        kernel = self.param("kernel", self.kernel_init, shape)
        bias = self.param("bias", nn.initializers.zeros, (self.channels,)) if self.use_bias else 0.0
        form = depthwise if self.depthwise else convolve
        return form(x.astype(self.dtype), kernel.astype(self.dtype), self.strides, self.padding), bias


class ConvBlock(nn.Module):
    """Convolution, optional batch normalisation, optional activation.

    Batch statistics cover only ``live`` columns, so that neither padding nor rows without a sample change them.
    """

    channels: int
    kernel: tuple[int, int] = (3, 3)
    strides: tuple[int, int] = (1, 1)
    padding: str | Margins | None = None
    """``SAME``, ``VALID`` or zeros on each side; None is PyTorch's ``padding=kernel // 2``."""
    batch_norm: bool = False
    activation: Callable[[Array], Array] | None = nn.relu
    use_bias: bool = True
    dtype: jnp.dtype = jnp.float32
    depthwise: bool = False
    """Whether every channel is convolved alone; ``channels`` is then that of the input."""
    epsilon: float = EPSILON
    """Added to the variance by the batch normalisation."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "B H W C"], live: Bool[Array, "B W"] | Bool[Array, "B 1"], *, train: bool
    ) -> Float[Array, "B Y X D"]:
        """Applies the layers; ``live`` is False for output columns of padding, ``B 1`` where whole rows are alike."""
        down, across = (size // 2 for size in self.kernel)
        padding = ((down, down), (across, across)) if self.padding is None else self.padding
        conv = BareConv(
            self.channels,
            self.kernel,
            self.strides,
            padding,
            self.use_bias,
            self.dtype,
            depthwise=self.depthwise,
            name="conv",
        )
        x, bias = conv(x)
        if self.batch_norm:
            x = BatchNorm(self.dtype, self.epsilon, name="norm")(x, live, bias, train=train)
        else:
            x += jnp.asarray(bias, self.dtype)
        return x if self.activation is None else self.activation(x)
