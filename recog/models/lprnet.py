"""LPRNet (Zherzdev and Gruzdev, "LPRNet: License Plate Recognition via Deep Neural Networks", 2018, arXiv 1806.10447).

The layers follow the widely used PyTorch port (sirius-ai/LPRNet_Pytorch); `recog.importing.lprnet_pytorch` loads its
weights. Where the paper is ambiguous or differs:

- The paper's last convolution is "1x13", width by height: its kernel spans 13 rows and one column, so that each frame
  covers the plate from top to bottom.
- The port's second and third max pools also have a stride over the channels: they pass on every second and every fourth
  channel, and the others only reach the context.
- The paper's global context is a fully connected layer over the whole plate. The port's consists of four feature maps,
  from fine to coarse, averaged down to 4x18 and each divided by its mean square.
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
from recog.ops.feature_map import feature_map
from recog.ops.pooling import max_pool, mean_pool

HEIGHT, WIDTH = 24, 94
"""Input size of the paper in pixels; the pools of the four context maps are chosen for it."""

FRAMES = 18
"""CTC frames for a width of 94, after a 3x3 convolution, pools of 3 with strides 1, 2, 2 and a convolution 4 wide."""

LEAST_MEAN_SQUARE = 1e-6
"""Minimum divisor of a context map, so that a map of zeros stays zero instead of NaN and gradients of small maps are
bounded. It does not affect trained maps: with the port's weights, mean squares are 0.05 to 20 on the port's plates."""


@dataclasses.dataclass
class LPRNetConfig(ModelConfig):
    """The port's network by default, but for `context`."""

    width: float = 1.0
    """Factor for every channel count. Any positive value works: the channel strides of the pools round up, as in the
    port, and the inner convolutions of a block have at least one channel."""
    context: str = "sample"
    """Scope of the mean square that divides a context map. ``batch``: the whole batch, as in the port, so that logits
    depend on the other samples of the batch. ``sample``: each sample, equal to the port at batch size one."""
    dropout: float = 0.5
    """Dropout rate before each of the last two convolutions."""
    graphic: bool = False
    """Train with a decoder that draws the label (`LPRNet.draw`); gone at export."""

    def build(self, codec: TextCodec) -> "LPRNet":
        """The module that reads over the codec's alphabet."""
        return LPRNet(self, codec.classes)


class SmallBasicBlock(nn.Module):
    """Small basic block of the paper, followed by batch normalisation and ReLU.

    1x1, 3x1, 1x3 and 1x1 convolutions; all but the last have a quarter of the output channels.
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
    """Convolutions only, from a plate of 24x94 pixels to 18 frames.

    With the default configuration and 68 classes it has 446,976 trainable parameters, like the port.

    Example::

      model = LPRNet(LPRNetConfig(), classes=68)
      variables = model.init(key, images, widths, train=False)  # images: B 24 94 C in -1..1, widths: 94 or 0
      frames = model.apply(variables, images, widths, train=False)  # frames.logits: B 18 68
    """

    config: LPRNetConfig
    classes: int

    @staticmethod
    def frames(width: int) -> int:
        """CTC frames for an image of this width, always 18.

        Raises:
          ValueError: the width is not 94.
        """
        if width != WIDTH:
            raise ValueError(f"LPRNet needs pictures of width {WIDTH}, got {width}: set data.width={WIDTH}")
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
        """Logits of all frames.

        Args:
          images: pixels in -1..1.
          widths: 94, or 0 for rows without a sample, which do not change statistics and have no frames.
          train: normalise by the statistics of the batch, and apply dropout.

        Raises:
          ValueError: the images have another size.
        """
        features = self._context(images, widths, train)
        if self.config.graphic and self.is_initializing():
            self.decoder(features)  # creates its parameters; otherwise the head costs nothing here
        return all_frames(jnp.mean(self.classifier(features), axis=1), widths)

    def draw(
        self, images: Float[Array, "B 24 94 C"], widths: Int[Array, " B"], *, train: bool
    ) -> Float[Array, "B 24 94"]:
        """Drawing of the label from the context features; arguments as for ``__call__``.

        Raises:
          ValueError: the images have another size, or ``graphic`` is off.
        """
        if not self.config.graphic:
            raise ValueError("this LPRNet has no drawing head: set model.graphic=True")
        return self.decoder(self._context(images, widths, train))

    def _context(self, images, widths, train: bool) -> Float[Array, "B 4 18 D"]:
        """Four feature maps, each divided by its mean square and concatenated along the channels."""
        if images.shape[1:3] != (HEIGHT, WIDTH):
            height, width = images.shape[1:3]
            raise ValueError(
                f"LPRNet needs pictures of height {HEIGHT} and width {WIDTH}, got {height} and {width}: "
                f"set data.height={HEIGHT} and data.width={WIDTH}"
            )
        live = rows_with_samples(widths)
        first = self.conv1(images.astype(self.config.dtype), live, train=train)  # B 22 92 64
        second = self.block1(max_pool(first, (3, 3), (1, 1)), live, train=train)  # B 20 90 128
        x = max_pool(second[..., ::2], (3, 3), (1, 2))  # B 18 44 64
        third = self.block3(self.block2(x, live, train=train), live, train=train)  # B 18 44 256
        x = max_pool(third[..., ::4], (3, 3), (1, 2))  # B 16 21 64
        x = feature_map(self, self.conv2(self.dropout(x, train=train), live, train=train))  # B 16 18 256
        fourth = self.conv3(self.dropout(x, train=train), live, train=train)  # B 4 18 K
        maps = (
            mean_pool(first, (5, 5), (5, 5)),
            mean_pool(second, (5, 5), (5, 5)),
            mean_pool(third, (4, 10), (4, 2)),
            fourth,
        )
        return jnp.concatenate([self._balance(x.astype(jnp.float32), live) for x in maps], axis=-1)

    def _balance(self, features: Float[Array, "B 4 18 C"], live: Bool[Array, "B 1"]) -> Float[Array, "B 4 18 C"]:
        """Divides a feature map by its mean square over the sample or the batch."""
        mean_square = jnp.mean(jnp.square(features), axis=(1, 2, 3), keepdims=True)  # B 1 1 1
        if self.config.context == "batch":
            total = jnp.sum(jnp.where(live[:, :, None, None], mean_square, 0.0))
            mean_square = total / jnp.maximum(jnp.sum(live), 1)
        return features / jnp.maximum(mean_square, LEAST_MEAN_SQUARE)
