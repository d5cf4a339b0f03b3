"""CRNN for licence plates: the network that the graphically supervised LPRNet (PeerJ Computer Science 2024) is compared
with there, at 7.3 million parameters and 0.95 GFLOPs for a plate of 94x24 pixels.

Its layers are reconstructed from those two numbers: 7.30 million parameters for 68 classes where each LSTM gate has two
biases, as in PyTorch (one here), and 476 million multiply-accumulates, 0.952 GFLOPs at two each. They are Table 1 of
Shi, Bai and Yao (2015) with two changes that the lower picture asks for: the pools after the fourth and the sixth
convolution leave columns alone instead of overlapping them, and there is no seventh convolution, because the last pool
already leaves one row.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.codecs import TextCodec
from recog.models.config import RecurrentModelConfig
from recog.models.frames import Frames, all_frames
from recog.ops.conv_block import ConvBlock, rows_with_samples, scaled
from recog.ops.dropout import Dropout
from recog.ops.pooling import max_pool
from recog.ops.recurrent import RecurrentStack

HEIGHT = 24
"""Input height; pools leave 12, 6, 3 and 1 rows."""

CHANNELS = (64, 128, 256, 256, 512, 512)
NORMALIZED = (5, 6)
"""Convolutions followed by batch normalisation, as in Table 1 of Shi, Bai and Yao."""
POOLS = {1: (2, 2), 2: (2, 2), 4: (2, 1), 6: (2, 1)}
"""Window and strides, height and width, of the pooling after the convolutions of these numbers."""


@dataclasses.dataclass
class CRNNPlateConfig(RecurrentModelConfig):
    """The reconstructed network by default."""

    def build(self, codec: TextCodec) -> "CRNNPlate":
        """The module that reads over the codec's alphabet."""
        return CRNNPlate(self, codec.classes)


class CRNNPlate(nn.Module):
    """Six convolutions, a recurrent stack and a classifier for each frame, for plates scaled to one size.

    Example::

      model = CRNNPlate(CRNNPlateConfig(), classes=68)
      variables = model.init(key, images, widths, train=False)  # images: B 24 94 C in -1..1, widths: 94 or 0
      frames = model.apply(variables, images, widths, train=False)  # frames.logits: B 23 68
    """

    config: CRNNPlateConfig
    classes: int

    @staticmethod
    def frames(width: int) -> int:
        """Frames that a picture of this width has: 23 for 94."""
        return width // 2 // 2

    @nn.compact
    def __call__(self, images: Float[Array, "B 24 W C"], widths: Int[Array, " B"], *, train: bool) -> Frames:
        """Rows of width 0 hold no sample; every other one is read over its full width.

        Raises:
          ValueError: the pictures have another height.
        """
        if images.shape[1] != HEIGHT:
            raise ValueError(
                f"CRNNPlate reads pictures of height {HEIGHT}, got {images.shape[1]}: set the data's height"
            )
        dtype = jnp.dtype(self.config.dtype)
        live = rows_with_samples(widths)
        x = images.astype(dtype)
        for number, channels in enumerate(CHANNELS, start=1):
            convolve = ConvBlock(
                scaled(channels, self.config.width), batch_norm=number in NORMALIZED, dtype=dtype, name=f"conv{number}"
            )
            x = convolve(x, live, train=train)
            if number in POOLS:
                x = max_pool(x, POOLS[number])
        x = x[:, 0]  # B T C
        lengths = jnp.full_like(widths, x.shape[1])
        x = RecurrentStack(self.config.recurrent, dtype, name="recurrent")(x, lengths, train=train)
        x = Dropout(self.config.dropout)(x, train=train)
        return all_frames(nn.Dense(self.classes, name="classifier")(x.astype(jnp.float32)), widths)
