"""LPRNet (Zherzdev and Gruzdev, "LPRNet: License Plate Recognition via Deep Neural Networks", 2018, arXiv 1806.10447).

Laid out as in the widely used PyTorch port (sirius-ai/LPRNet_Pytorch), whose weights `recog.importing.lprnet_pytorch`
reads. The port settles what the paper leaves open or says otherwise:

- The paper's last convolution is "1x13", width by height: its kernel spans 13 rows and one column, so that each frame
  sees the plate from top to bottom.
- The port's second and third max pooling have a stride over the channels as well: every second and every fourth one
  goes on, and the others reach the context alone.
- The paper's global context is a fully connected layer over the whole plate. The port's are four feature maps, from
  fine to coarse, averaged down to 4x18 and each divided by its mean square.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.codecs import TextCodec
from recog.models.config import ModelConfig
from recog.models.drawing_head import DrawingHead
from recog.models.frames import Frames, all_frames
from recog.ops.conv_block import ConvBlock, rows_with_samples, scaled
from recog.ops.conv_forms import convolve
from recog.ops.dropout import Dropout
from recog.ops.pooling import max_pool, mean_pool

HEIGHT, WIDTH = 24, 94
"""Input size of the paper; the pools that make four context maps of one size are cut for it."""

FRAMES = 18
"""Columns that 94 leave after a 3x3 convolution, pools of 3 with strides 1, 2 and 2, and a convolution 4 wide."""

LEAST_MEAN_SQUARE = 1e-6
"""A context map is divided by at least this, so that a dead one stays zero instead of 0/0, and one that is nearly dead
has bounded gradients. It changes no live one: with the port's trained weights, mean squares are 0.05 to 20 on its own
plates."""


@dataclasses.dataclass
class LPRNetConfig(ModelConfig):
    """The port's network by default, but for `context`."""

    width: float = 1.0
    """Multiplies every channel count. Any value does: the channel strides of the pools round up, as in the port, and a
    block's inner quarter has at least one channel."""
    context: str = "sample"
    """Over what the mean square that divides a context map is taken. ``batch``: over the whole batch, as in the port,
    whose answer for a plate depends on what it is read together with. ``sample``: over each sample, which equals the
    port at batch size one, and lets no answer depend on its batch."""
    dropout: float = 0.5
    """Share of the features dropped before each of the last two convolutions while training."""
    graphic: bool = False
    """Train with a decoder that draws the label (`LPRNet.draw`); gone at export."""

    def build(self, codec: TextCodec) -> "LPRNet":
        """The module that reads over the codec's alphabet."""
        return LPRNet(self, codec.classes)


class SmallBasicBlock(nn.Module):
    """The paper's small basic block with the batch normalisation and ReLU after it.

    1x1, 3x1, 1x3 and 1x1 convolutions; all but the last have a quarter of the output's channels.
    """

    channels: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "B H W C"], live: Bool[Array, "B 1"], *, train: bool
    ) -> Float[Array, "B H W channels"]:
        quarter = max(1, self.channels // 4)
        for name, kernel in (("reduce", (1, 1)), ("vertical", (3, 1)), ("horizontal", (1, 3))):
            x = ConvBlock(quarter, kernel, dtype=self.dtype, name=name)(x, live, train=train)
        expand = ConvBlock(self.channels, (1, 1), batch_norm=True, dtype=self.dtype, name="expand")
        return expand(x, live, train=train)


class LPRNet(nn.Module):
    """Convolutions alone, from a plate of 24x94 pixels to 18 frames.

    With the default configuration and 68 classes it has 446,976 trainable parameters, as the port.

    Example::

      model = LPRNet(LPRNetConfig(), classes=68)
      variables = model.init(key, images, widths, train=False)  # images: B 24 94 C in -1..1, widths: 94 or 0
      frames = model.apply(variables, images, widths, train=False)  # frames.logits: B 18 68
    """

    config: LPRNetConfig
    classes: int

    @staticmethod
    def frames(width: int) -> int:
        """Frames that a picture of this width has: 18.

        Raises:
          ValueError: the width is not 94.
        """
        if width != WIDTH:
            raise ValueError(f"LPRNet reads pictures of width {WIDTH}, got {width}: set the data's width")
        return FRAMES

    def setup(self) -> None:
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        if config.context not in ("sample", "batch"):
            raise ValueError(f"model.context={config.context!r}: choose sample or batch")
        c64, c128, c256 = (scaled(channels, config.width) for channels in (64, 128, 256))
        self.conv1 = ConvBlock(c64, padding="VALID", batch_norm=True, dtype=dtype)
        self.block1 = SmallBasicBlock(c128, dtype)
        self.block2 = SmallBasicBlock(c256, dtype)
        self.block3 = SmallBasicBlock(c256, dtype)
        self.conv2 = ConvBlock(c256, (1, 4), padding="VALID", batch_norm=True, dtype=dtype)
        self.conv3 = ConvBlock(self.classes, (13, 1), padding="VALID", batch_norm=True, dtype=dtype)
        self.dropout = Dropout(config.dropout)
        self.classifier = nn.Conv(self.classes, (1, 1), conv_general_dilated=convolve)
        if config.graphic:
            self.decoder = DrawingHead(config.width, dtype)

    def __call__(self, images: Float[Array, "B 24 94 C"], widths: Int[Array, " B"], *, train: bool) -> Frames:
        """Reads.

        Args:
          images: in -1..1.
          widths: 94, or 0 for rows that hold no sample: these move no statistics and have no frames.
          train: normalise by the batch, and drop out.

        Raises:
          ValueError: the images have another size.
        """
        features = self._context(images, widths, train)
        if self.config.graphic and self.is_initializing():
            self.decoder(features)  # makes its parameters; at any other time, reading costs what it does without
        return all_frames(jnp.mean(self.classifier(features), axis=1), widths)

    def draw(
        self, images: Float[Array, "B 24 94 C"], widths: Int[Array, " B"], *, train: bool
    ) -> Float[Array, "B 24 94"]:
        """What the decoder draws from the context features; arguments as those of a call.

        Raises:
          ValueError: the images have another size, or the model has no decoder.
        """
        if not self.config.graphic:
            raise ValueError("this LPRNet has no decoder to draw with: set model.graphic=True")
        return self.decoder(self._context(images, widths, train))

    def _context(self, images, widths, train: bool) -> Float[Array, "B 4 18 D"]:
        """The four feature maps, side by side."""
        if images.shape[1:3] != (HEIGHT, WIDTH):
            height, width = images.shape[1:3]
            raise ValueError(
                f"LPRNet reads pictures of height {HEIGHT} and width {WIDTH}, got {height} and {width}: "
                "set the data's height and width"
            )
        live = rows_with_samples(widths)
        first = self.conv1(images.astype(self.config.dtype), live, train=train)  # B 22 92 64
        second = self.block1(max_pool(first, (3, 3), (1, 1)), live, train=train)  # B 20 90 128
        x = max_pool(second[..., ::2], (3, 3), (1, 2))  # B 18 44 64
        third = self.block3(self.block2(x, live, train=train), live, train=train)  # B 18 44 256
        x = max_pool(third[..., ::4], (3, 3), (1, 2))  # B 16 21 64
        x = self.conv2(self.dropout(x, train=train), live, train=train)  # B 16 18 256
        fourth = self.conv3(self.dropout(x, train=train), live, train=train)  # B 4 18 K
        maps = (
            mean_pool(first, (5, 5), (5, 5)),
            mean_pool(second, (5, 5), (5, 5)),
            mean_pool(third, (4, 10), (4, 2)),
            fourth,
        )
        return jnp.concatenate([self._balance(x.astype(jnp.float32), live) for x in maps], axis=-1)

    def _balance(self, features: Float[Array, "B 4 18 C"], live: Bool[Array, "B 1"]) -> Float[Array, "B 4 18 C"]:
        """Divided by the mean square."""
        mean_square = jnp.mean(jnp.square(features), axis=(1, 2, 3), keepdims=True)  # B 1 1 1
        if self.config.context == "batch":
            total = jnp.sum(jnp.where(live[:, :, None, None], mean_square, 0.0))
            mean_square = total / jnp.maximum(jnp.sum(live), 1)
        return features / jnp.maximum(mean_square, LEAST_MEAN_SQUARE)
