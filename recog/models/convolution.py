"""A convolution with what usually follows it, and max pooling."""

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.models.convolve import convolve

Padding = str | Sequence[tuple[int, int]]


def scaled(channels: int, width: float) -> int:
    """A channel count of a paper, multiplied for a small or a large variant; at least 1."""
    return max(1, round(channels * width))


def rows_with_samples(widths: Int[Array, " B"]) -> Bool[Array, "B 1"]:
    """For models of a fixed input width: which rows hold a sample (`recog.batch.Batch` gives the others no width)."""
    return (widths > 0)[:, None]


class Convolution(nn.Module):
    """Convolution, optional batch normalisation, optional activation.

    Batch statistics are taken over ``live`` columns alone, so that neither padding nor rows without a sample move them.
    """

    channels: int
    kernel: tuple[int, int] = (3, 3)
    strides: tuple[int, int] = (1, 1)
    padding: Padding | None = None
    """None pads both sides by half the kernel, as PyTorch's ``padding=kernel // 2``."""
    batch_norm: bool = False
    activation: Callable[[Array], Array] | None = nn.relu
    use_bias: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "B H W C"], live: Bool[Array, "B W"] | Bool[Array, "B 1"], *, train: bool
    ) -> Float[Array, "B Y X D"]:
        """``live``: which columns of the output hold no padding; ``B 1`` where whole rows do or do not."""
        x = nn.Conv(
            self.channels,
            self.kernel,
            self.strides,
            padding=[(size // 2, size // 2) for size in self.kernel] if self.padding is None else self.padding,
            use_bias=self.use_bias,
            kernel_init=nn.initializers.he_normal(),
            dtype=self.dtype,
            conv_general_dilated=convolve,
            name="conv",
        )(x)
        if self.batch_norm:
            normalize = nn.BatchNorm(not train, momentum=0.9, dtype=self.dtype, name="norm")
            x = normalize(x, mask=live[:, None, :, None])
        return x if self.activation is None else self.activation(x)


def max_pool(
    x: Float[Array, "B H W C"], window: tuple[int, int], strides: tuple[int, int] | None = None
) -> Float[Array, "B Y X C"]:
    """Max pooling without padding; strides default to the window.

    Written as maxima of slices, whose gradient is elementwise: a window reduction's is a scatter, and slow on CPUs.
    """
    for axis, size, stride in zip((1, 2), window, strides or window, strict=True):
        x = jax.tree.reduce(jnp.maximum, _slices(x, axis, size, stride))
    return x


def mean_pool(x: Float[Array, "B H W C"], window: tuple[int, int], strides: tuple[int, int]) -> Float[Array, "B Y X C"]:
    """Mean pooling without padding, written as `max_pool` for the same reason."""
    for axis, size, stride in zip((1, 2), window, strides, strict=True):
        x = jax.tree.reduce(jnp.add, _slices(x, axis, size, stride)) / size
    return x


def _slices(x: Float[Array, "B H W C"], axis: int, size: int, stride: int) -> list[Float[Array, "B Y X C"]]:
    """The first element of every window, the second of every window, and so on."""
    length = x.shape[axis]
    if size == stride:  # which may be a symbolic length, when a program for any width is exported
        x = jax.lax.slice_in_dim(x, 0, length // size * size, axis=axis)
        x = x.reshape(*x.shape[:axis], length // size, size, *x.shape[axis + 1 :])
        return [jax.lax.index_in_dim(x, place, axis + 1, keepdims=False) for place in range(size)]
    reach = (length - size) // stride * stride + 1
    return [jax.lax.slice_in_dim(x, place, place + reach, stride, axis) for place in range(size)]
