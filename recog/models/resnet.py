"""Residual networks (He et al., "Deep Residual Learning for Image Recognition", 2016): a reader and a backbone."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.codecs import TextCodec
from recog.models.config import ModelConfig
from recog.models.frames import Frames, all_frames
from recog.ops.conv_block import ConvBlock, rows_with_samples, scaled
from recog.ops.dropout import Dropout
from recog.ops.feature_map import feature_map
from recog.ops.pooling import max_pool

HEIGHT = 24
"""Input height of `ResNet18` in pixels; the plates of the comparison are 94 wide."""

STAGES_18 = ((64, (1, 1)), (128, (2, 2)), (256, (2, 1)), (512, (3, 1)))
"""Channels and strides of the stages of `ResNet18`, two blocks each; they leave 12, 6, 3 and 1 rows."""

STAGES_29 = ((128, 1), (256, 2), (512, 5), (512, 3))
"""Channels and blocks of the stages of `ResNet29`."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them, batch norm after each convolution (figure 2 of the paper).

    The shortcut is the identity, or a 1x1 convolution with batch norm where the shape changes.
    """

    channels: int
    strides: tuple[int, int] = (1, 1)
    """Strides of the first convolution and of the shortcut."""
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"], live: Bool[Array, "B 1"], *, train: bool) -> Float[Array, "B Y X D"]:
        """Applies the block; ``live`` is from `rows_with_samples`."""

        def convolve(x, name: str, kernel=(3, 3), strides=(1, 1), activation=None):
            convolution = ConvBlock(
                self.channels,
                kernel,
                strides,
                batch_norm=True,
                activation=activation,
                use_bias=False,
                dtype=self.dtype,
                name=name,
            )
            return convolution(x, live, train=train)

        y = convolve(x, "conv1", strides=self.strides, activation=nn.relu)
        y = convolve(y, "conv2")
        if x.shape != y.shape:
            x = convolve(x, "shortcut", kernel=(1, 1), strides=self.strides)
        return nn.relu(x + y)


@dataclasses.dataclass
class ResNet18Config(ModelConfig):
    """Settings of the reader."""

    def build(self, codec: TextCodec) -> "ResNet18":
        """The module that reads over the codec's alphabet."""
        return ResNet18(self, codec.classes)


class ResNet18(nn.Module):
    """ResNet-18 with a linear classifier for each frame.

    Reconstruction of the "ResNet18" in a comparison of plate readers (PeerJ Computer Science, 2024), which gives 11.2 M
    parameters and 1.09 G operations for colour plates of 94x24, but no strides. Blocks and channels are those of table
    1 of the paper; the first convolution has stride 1, a 2x2 pool replaces the overlapping one, and later strides keep
    the width, which leaves 24 frames for CTC. It has 11,211,396 parameters for 68 classes, and 533 M
    multiply-accumulates, 1.07 G operations.

    Example::

      model = ResNet18(ResNet18Config(), classes=68)
      variables = model.init(key, images, widths, train=False)  # images: B 24 94 C in -1..1
      frames = model.apply(variables, images, widths, train=False)  # frames.logits: B 24 68
    """

    config: ResNet18Config
    classes: int

    @staticmethod
    def frames(width: int) -> int:
        """CTC frames for an image of this width."""
        return (width // 2 + 1) // 2

    @nn.compact
    def __call__(self, images: Float[Array, "B 24 W C"], widths: Int[Array, " B"], *, train: bool) -> Frames:
        """Logits of all frames; rows of width 0 hold no sample and have no frames.

        Raises:
          ValueError: the pictures have another height.
        """
        if images.shape[1] != HEIGHT:
            raise ValueError(
                f"ResNet18 needs pictures of height {HEIGHT}, got {images.shape[1]}: "
                "set data.height=24 and data.width=94"
            )
        dtype = jnp.dtype(self.config.dtype)
        live = rows_with_samples(widths)
        stem = ConvBlock(
            scaled(64, self.config.width), (7, 7), batch_norm=True, use_bias=False, dtype=dtype, name="conv1"
        )
        x = max_pool(stem(images.astype(dtype), live, train=train), (2, 2))
        for stage, (channels, strides) in enumerate(STAGES_18, start=1):
            channels = scaled(channels, self.config.width)
            x = BasicBlock(channels, strides, dtype, name=f"stage{stage}_block1")(x, live, train=train)
            x = BasicBlock(channels, dtype=dtype, name=f"stage{stage}_block2")(x, live, train=train)
            if stage == len(STAGES_18) - 1:
                x = feature_map(self, x)  # the last stage leaves one row
        x = Dropout(self.config.dropout)(x[:, 0], train=train)  # B T D
        return all_frames(nn.Dense(self.classes, name="classifier")(x.astype(jnp.float32)), widths)


class ResNet29(nn.Module):
    """29-layer backbone of Baek et al. ("What Is Wrong With Scene Text Recognition Model Comparisons?", 2019).

    It follows their table of the ResNet extractor (after Cheng et al. 2017), with changes that keep a picture's
    proportions: the third pool is 2x2 with stride 2 and no padding (theirs has a width stride of 1 and pads a column on
    both sides); the last two convolutions are 3x3 with stride 1 (theirs are 2x2, one with strides 2x1 and a padded
    column on both sides, one without padding). An input of 96x200 becomes 12x25; theirs would become 5x51.

    Example::

      backbone = ResNet29()
      variables = backbone.init(key, images, live, train=False)  # images: B 96 200 C in -1..1, live: B 1
      features = backbone.apply(variables, images, live, train=False)  # B 12 25 512
    """

    width: float = 1.0
    """Factor for every channel count."""
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, images: Float[Array, "B H W C"], live: Bool[Array, "B 1"], *, train: bool
    ) -> Float[Array, "B H/8 W/8 D"]:
        """Extracts features; ``live`` is from `rows_with_samples`."""

        def convolve(x, name: str, channels: int):
            channels = scaled(channels, self.width)
            convolution = ConvBlock(channels, batch_norm=True, use_bias=False, dtype=self.dtype, name=name)
            return convolution(x, live, train=train)

        x = convolve(images.astype(self.dtype), "conv0_1", 32)
        x = convolve(x, "conv0_2", 64)
        for stage, (channels, blocks) in enumerate(STAGES_29, start=1):
            if stage < 4:
                x = max_pool(x, (2, 2))
            for block in range(1, blocks + 1):
                name = f"stage{stage}_block{block}"
                x = BasicBlock(scaled(channels, self.width), dtype=self.dtype, name=name)(x, live, train=train)
            x = convolve(x, f"conv{stage}" if stage < 4 else "conv4_1", channels)
        return convolve(x, "conv4_2", 512)
