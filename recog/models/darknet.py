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


class Darknet(nn.Module):
    """First convolution and five stages of a halving convolution and residual blocks, without the classifier."""

    width: float = 1.0
    """Factor for all channels."""
    blocks: tuple[int, ...] = BLOCKS
    """Residual blocks of each stage."""
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "B H W C"], live: Bool[Array, "B 1"], *, train: bool
    ) -> list[Float[Array, "B Y X D"]]:
        """Results of the last three stages; height and width must be multiples of 32."""
        conv = functools.partial(DarknetConv, dtype=self.dtype)
        x = conv(scaled(STEM, self.width), name="stem")(x, live, train=train)
        results = []
        for stage, (channels, blocks) in enumerate(zip(STAGES, self.blocks, strict=True)):
            x = conv(scaled(channels, self.width), stride=2, name=f"stage{stage}_down")(x, live, train=train)
            for block in range(blocks):
                name = f"stage{stage}_block{block}"
                y = conv(scaled(channels // 2, self.width), 1, name=f"{name}_squeeze")(x, live, train=train)
                x += conv(scaled(channels, self.width), name=f"{name}_expand")(y, live, train=train)
            results.append(x)
        return results[-FEATURES:]
