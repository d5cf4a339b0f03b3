"""EfficientNet-Lite (Google, 2020): EfficientNet without squeeze-and-excitation, with ReLU6, for any processor.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019; the Lite variants are
defined in ``efficientnet/lite/efficientnet_lite_builder.py`` of github.com/tensorflow/tpu.
"""

import math
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from recog.ops.conv_block import ConvBlock

STEM, HEAD = 32, 1280
"""Channels of the first and of the last convolution, the same in all variants."""
EPSILON = 1e-3
"""Added to the variance by every batch normalisation."""
DIVISOR = 8
"""Channel counts are multiples of it."""


class Stage(NamedTuple):
    """Blocks of one resolution (table 1 of the paper); the first one has the strides."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    """Factor for the channels within a block."""
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


class Variant(NamedTuple):
    """Scaling of the network."""

    width: float
    """Factor for the channels of all stages."""
    depth: float
    """Factor for the blocks of all stages but the first and the last."""
    size: int
    """Height and width in pixels of the pictures that the published weights were trained with."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The scaled stages."""
        ends = STAGES[0], STAGES[-1]
        return tuple(
            stage._replace(
                blocks=stage.blocks if stage in ends else math.ceil(stage.blocks * self.depth),
                channels=round_channels(stage.channels * self.width),
            )
            for stage in STAGES
        )


VARIANTS = {
    "lite0": Variant(1.0, 1.0, 224),
    "lite1": Variant(1.0, 1.1, 240),
    "lite2": Variant(1.1, 1.2, 260),
    "lite3": Variant(1.2, 1.4, 280),
    "lite4": Variant(1.4, 1.8, 300),
}
"""Published variants by name."""


def round_channels(channels: float) -> int:
    """The nearest multiple of `DIVISOR`, at least one; the next one if that is below 90 % of ``channels``."""
    nearest = max(DIVISOR, int(channels + DIVISOR / 2) // DIVISOR * DIVISOR)
    return nearest + DIVISOR if nearest < 0.9 * channels else nearest


class Block(nn.Module):
    """Inverted residual block: a 1x1 convolution that expands, a depthwise one, and a 1x1 one that projects.

    The input is added where the shape stays the same.
    """

    stage: Stage
    stride: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"], live: Bool[Array, "B 1"], *, train: bool) -> Float[Array, "B Y X D"]:
        """Applies the block; ``live`` is from `rows_with_samples`."""
        inner, size = x.shape[-1] * self.stage.expansion, self.stage.kernel
        y = x
        if self.stage.expansion > 1:
            y = convolution(inner, 1, 1, self.dtype, name="expand")(y, live, train=train)
        y = convolution(inner, size, self.stride, self.dtype, depthwise=True, name="depthwise")(y, live, train=train)
        y = convolution(self.stage.channels, 1, 1, self.dtype, activation=None, name="project")(y, live, train=train)
        return x + y if x.shape == y.shape else y


def convolution(channels: int, size: int, stride: int, dtype: jnp.dtype, **settings) -> ConvBlock:
    """A convolution of the network: TensorFlow's ``SAME`` padding, batch normalisation and, by default, ReLU6."""
    settings = {"activation": nn.relu6, **settings}
    return ConvBlock(
        channels,
        (size, size),
        (stride, stride),
        "SAME",
        batch_norm=True,
        use_bias=False,
        epsilon=EPSILON,
        dtype=dtype,
        **settings,
    )


class EfficientNetLite(nn.Module):
    """Backbone of EfficientNet-Lite, up to the mean over positions.

    The published weights take pixels as ``(RGB - 127) / 128``; the module makes these of pixels in -1..1.

    Example::

      backbone = EfficientNetLite(VARIANTS["lite0"])
      variables = backbone.init(key, images, live, train=False)  # images: B 224 224 3 in -1..1, live: B 1
      features = backbone.apply(variables, images, live, train=False)  # B 7 7 1280
    """

    variant: Variant
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, images: Float[Array, "B H W C"], live: Bool[Array, "B 1"], *, train: bool
    ) -> Float[Array, "B H/32 W/32 1280"]:
        """Extracts features; ``live`` is from `rows_with_samples`."""
        x = (images * 127.5 + 0.5) / 128
        x = convolution(STEM, 3, 2, self.dtype, name="stem")(x, live, train=train)
        number = 0
        for stage in self.variant.stages:
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                x = Block(stage, stride, self.dtype, name=f"block{number}")(x, live, train=train)
                number += 1
        return convolution(HEAD, 1, 1, self.dtype, name="head")(x, live, train=train)
