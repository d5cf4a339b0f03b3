"""Darknet-53 (Redmon and Farhadi, "YOLOv3: An Incremental Improvement", 2018): residual backbone of a detector."""

import functools

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from recog.ops.conv_block import ConvBlock, scaled

STEM = 32
"""Output channels of the first convolution."""
STAGES = (64, 128, 256, 512, 1024)
"""Output channels of the stages; each halves height and width."""
BLOCKS = (1, 2, 8, 8, 4)
"""Residual blocks of the stages (table 1 of the paper)."""
FEATURES = 3
"""Number of final stages whose results are returned: those of strides 8, 16 and 32."""

leaky_relu = functools.partial(nn.leaky_relu, negative_slope=0.1)


class DarknetConv(nn.Module):
    """Convolution without bias, batch normalisation, leaky ReLU; results are a stride smaller than the input."""

    channels: int
    kernel: int = 3
    stride: int = 1
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"], live: Bool[Array, "B 1"], *, train: bool) -> Float[Array, "B Y X D"]:
        """Applies the layers; ``live`` is from `recog.ops.conv_block.rows_with_samples`."""
        return ConvBlock(
            self.channels,
            (self.kernel, self.kernel),
            (self.stride, self.stride),
            batch_norm=True,
            activation=leaky_relu,
            use_bias=False,
            dtype=self.dtype,
            name="block",
        )(x, live, train=train)


def space_to_depth(x: Float[Array, "B H W C"], patch: int) -> Float[Array, "B Y X D"]:
    """Joins the channels of squares of ``patch`` by ``patch`` pixels (Ridnik et al. 2021, "TResNet", section 2.1).

    A network that begins so has no layers at full resolution, which take most of a narrow network's time on CPUs.
    """
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // patch, patch, width // patch, patch, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height // patch, width // patch, patch * patch * channels)


class Darknet(nn.Module):
    """First convolution and five stages of a halving convolution and residual blocks, without the classifier."""

    width: float = 1.0
    """Factor for all channels."""
    blocks: tuple[int, ...] = BLOCKS
    """Residual blocks of each stage."""
    patch: int = 1
    """Side in pixels of the squares that the first convolution sees as one pixel, 1, 2 or 4 (`space_to_depth`)."""
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "B H W C"], live: Bool[Array, "B 1"], *, train: bool
    ) -> list[Float[Array, "B Y X D"]]:
        """Results of the last three stages; height and width must be multiples of 32."""
        conv = functools.partial(DarknetConv, dtype=self.dtype)
        halved = self.patch.bit_length() - 1  # stages that the squares replace
        x = conv(scaled((STEM, *STAGES)[halved], self.width), name="stem")(
            space_to_depth(x, self.patch), live, train=train
        )
        results = []
        for stage, (channels, blocks) in enumerate(zip(STAGES, self.blocks, strict=True)):
            if stage >= halved:
                x = conv(scaled(channels, self.width), stride=2, name=f"stage{stage}_down")(x, live, train=train)
            for block in range(blocks):
                name = f"stage{stage}_block{block}"
                y = conv(scaled(channels // 2, self.width), 1, name=f"{name}_squeeze")(x, live, train=train)
                x += conv(scaled(channels, self.width), name=f"{name}_expand")(y, live, train=train)
            results.append(x)
        return results[-FEATURES:]
