"""CRNN (Shi, Bai and Yao, "An End-to-End Trainable Neural Network for Image-based Sequence Recognition", 2015)."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.codecs import TextCodec
from recog.models.config import RecurrentModelConfig
from recog.models.frames import Frames
from recog.ops.batch_norm import BatchNorm
from recog.ops.conv_block import BareConv, scaled
from recog.ops.dropout import Dropout
from recog.ops.feature_map import feature_map
from recog.ops.masking import mask_columns
from recog.ops.pooling import max_pool
from recog.ops.recurrent import RecurrentStack

HEIGHT = 32
"""Input height in pixels, from Table 1; four halvings and a 2x2 convolution leave one row."""


@dataclasses.dataclass
class CRNNConfig(RecurrentModelConfig):
    """Settings of the reader; the defaults are Table 1 of the paper."""

    without: tuple[int, ...] = ()
    """Convolutions (1 to 6) to leave out, while their pools stay; 4 and 6 for the paper's music reader, which also has
    recurrent layers of one direction only (section 3.4)."""
    batch_norm: tuple[int, ...] = (5, 6)
    """Convolutions (1 to 7) followed by batch normalisation; 5 and 6 in the paper."""

    any_width = True

    def build(self, codec: TextCodec) -> "CRNN":
        """The module that reads over the codec's alphabet."""
        return CRNN(self, codec.classes)


CHANNELS = (64, 128, 256, 256, 512, 512, 512)
"""Output channels of the seven convolutions (Table 1)."""
POOLS = {1: 2, 2: 2, 4: 1, 6: 1}
"""Width stride of the 2x2 pool after a convolution, by the number of the convolution. A stride of one comes with one
column of padding on both sides, which makes the width grow by one."""


class CRNN(nn.Module):
    """Seven convolutions, recurrent layers and a linear classifier for each frame.

    The last two pools overlap by one column and the last convolution is 2x2 without padding, as in the authors' code:
    an image of width ``W`` has ``W // 4 + 1`` frames (26 for 100).

    Columns beyond a sample's width are set to zero after every convolution, so that logits do not depend on the padding
    of a batch.

    Example::

      model = CRNN(CRNNConfig(), classes=37)
      variables = model.init(key, images, widths, train=False)  # images: B 32 W C in -1..1
      frames = model.apply(variables, images, widths, train=False)  # frames.logits: B T 37
    """

    config: CRNNConfig
    classes: int

    @staticmethod
    def frames(width: int) -> int:
        """CTC frames for an image of this width."""
        return width // 4 + 1

    @nn.compact
    def __call__(self, images: Float[Array, "B 32 W C"], widths: Int[Array, " B"], *, train: bool) -> Frames:
        """Logits of each sample's frames; rows of width 0 hold no sample and have no frames.

        Raises:
          ValueError: the pictures have another height, or ``without`` names other convolutions than the first six.
        """
        config = self.config
        if images.shape[1] != HEIGHT:
            raise ValueError(f"CRNN needs pictures of height {HEIGHT}, got {images.shape[1]}: set data.height={HEIGHT}")
        if not set(config.without) <= set(range(1, len(CHANNELS))):
            raise ValueError(
                f"model.without={config.without}: choose from 1 to 6; the seventh makes the single row of frames"
            )
        dtype = jnp.dtype(config.dtype)
        samples = (widths > 0).astype(widths.dtype)
        x = mask_columns(images.astype(dtype), widths)
        for number, channels in enumerate(CHANNELS, start=1):
            if number == len(CHANNELS):
                x, widths = feature_map(self, x), widths - samples  # that convolution is 2x2 without padding
            if number not in config.without:
                x = mask_columns(self._convolve(x, widths, number, channels, train), widths)
            if number in POOLS:
                widths = widths // 2 if POOLS[number] == 2 else widths + samples
                x = mask_columns(_pool(x, POOLS[number]), widths)
        x = RecurrentStack(config.recurrent, dtype, name="recurrent")(x[:, 0], widths, train=train)  # B T D
        x = Dropout(config.dropout)(x, train=train)
        return Frames(nn.Dense(self.classes, name="classifier")(x.astype(jnp.float32)), widths)

    def _convolve(self, x, widths, number: int, channels: int, train: bool):
        last = number == len(CHANNELS)
        size, padding = ((2, 2), "VALID") if last else ((3, 3), "SAME")
        conv = BareConv(scaled(channels, self.config.width), size, padding=padding, dtype=x.dtype, name=f"conv{number}")
        x, bias = conv(x)
        if number in self.config.batch_norm:
            live = jnp.arange(x.shape[2]) < widths[:, None]
            x = BatchNorm(x.dtype, name=f"norm{number}")(x, live, bias, train=train)
        else:
            x += jnp.asarray(bias, x.dtype)
        return nn.relu(x)


def _pool(x: Float[Array, "B H W C"], width_stride: int) -> Float[Array, "B Y X C"]:
    """Max pool with one of the strides of `POOLS`; zeros can pad because ReLU makes the features non-negative."""
    if width_stride == 1:
        x = jnp.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)))
    return max_pool(x, (2, 2), (2, width_stride))
