"""CRNN for licence plates: the baseline of the graphically supervised LPRNet (PeerJ Computer Science 2024).

The article gives 7.3 million parameters and 0.95 GFLOPs for a plate of 94x24 pixels, but no layers. This reconstruction
has 7.30 million parameters for 68 classes if each LSTM gate has two biases, as in PyTorch (one here), and 476 million
multiply-accumulates, 0.952 GFLOPs at two each. Its layers are Table 1 of Shi, Bai and Yao (2015) with two changes for
the lower picture: the pools after the fourth and the sixth convolution keep the width instead of overlapping columns,
and the seventh convolution is left out, because the last pool already leaves one row.
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
from recog.ops.feature_map import feature_map
from recog.ops.pooling import max_pool
from recog.ops.recurrent import RecurrentStack

HEIGHT = 24
"""Input height in pixels; the pools leave 12, 6, 3 and 1 rows."""

CHANNELS = (64, 128, 256, 256, 512, 512)
"""Output channels of the six convolutions."""
NORMALIZED = (5, 6)
"""Convolutions followed by batch normalisation, as in Table 1 of Shi, Bai and Yao."""
POOLS = {1: (2, 2), 2: (2, 2), 4: (2, 1), 6: (2, 1)}
"""Window, which is also the strides, of the pool after a convolution (height, width), by the convolution's number."""


@dataclasses.dataclass
class CRNNPlateConfig(RecurrentModelConfig):
    """The reconstructed network by default."""

    def build(self, codec: TextCodec) -> "CRNNPlate":
        """The module that reads over the codec's alphabet."""
        return CRNNPlate(self, codec.classes)


class CRNNPlate(nn.Module):
    """Six convolutions, recurrent layers and a linear classifier for each frame, for plates scaled to one size.

    Example::

      model = CRNNPlate(CRNNPlateConfig(), classes=68)
      variables = model.init(key, images, widths, train=False)  # images: B 24 94 C in -1..1, widths: 94 or 0
      frames = model.apply(variables, images, widths, train=False)  # frames.logits: B 23 68
    """

    config: CRNNPlateConfig
    classes: int

    @staticmethod
    def frames(width: int) -> int:
        """CTC frames for an image of this width: 23 for 94."""
        return width // 2 // 2

    @nn.compact
    def __call__(self, images: Float[Array, "B 24 W C"], widths: Int[Array, " B"], *, train: bool) -> Frames:
        """Logits of all frames; rows of width 0 hold no sample and have no frames.

        Raises:
          ValueError: the pictures have another height.
        """
        if images.shape[1] != HEIGHT:
            raise ValueError(
                f"CRNNPlate needs pictures of height {HEIGHT}, got {images.shape[1]}: set data.height={HEIGHT}"
            )
        dtype = jnp.dtype(self.config.dtype)
        live = rows_with_samples(widths)
        x = images.astype(dtype)
        for number, channels in enumerate(CHANNELS, start=1):
            convolve = ConvBlock(
                scaled(channels, self.config.width), batch_norm=number in NORMALIZED, dtype=dtype, name=f"conv{number}"
            )
            x = convolve(x, live, train=train)
            if number == len(CHANNELS):
                x = feature_map(self, x)
            if number in POOLS:
                x = max_pool(x, POOLS[number])
        x = x[:, 0]  # B T C
        lengths = jnp.full_like(widths, x.shape[1])
        x = RecurrentStack(self.config.recurrent, dtype, name="recurrent")(x, lengths, train=train)
        x = Dropout(self.config.dropout)(x, train=train)
        return all_frames(nn.Dense(self.classes, name="classifier")(x.astype(jnp.float32)), widths)
