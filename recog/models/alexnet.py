"""AlexNet (Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep CNNs", 2012) as a plate reader."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.codecs import TextCodec
from recog.models.config import ModelConfig
from recog.models.frames import Frames, all_frames
from recog.ops.conv_block import ConvBlock, rows_with_samples, scaled
from recog.ops.dropout import Dropout
from recog.ops.feature_map import feature_map
from recog.ops.pooling import max_pool

HEIGHT = 24
"""Input height in pixels; the plates of the comparison are 94 wide."""


@dataclasses.dataclass
class AlexNetConfig(ModelConfig):
    """Settings of the reader."""

    dropout: float = 0.5
    """Dropout rate before the classifier; 0.5 as in the paper's classifier."""

    def build(self, codec: TextCodec) -> "AlexNet":
        """The module that reads over the codec's alphabet."""
        return AlexNet(self, codec.classes)


class AlexNet(nn.Module):
    """AlexNet's five convolutions, with a linear classifier for each frame instead of its fully connected layers.

    Reconstruction of the "AlexNet" in a comparison of plate readers (PeerJ Computer Science, 2024), which gives 3.8 M
    parameters and 0.63 G operations for colour plates of 94x24, but no layers. Channels and kernels are Krizhevsky's,
    on one GPU (no groups, no response normalisation); strides and pools are chosen for 24 rows and for enough CTC
    frames. It has 3,764,676 parameters for 68 classes, and 318 M multiply-accumulates, 0.64 G operations.

    Example::

      model = AlexNet(AlexNetConfig(), classes=68)
      variables = model.init(key, images, widths, train=False)  # images: B 24 94 C in -1..1
      frames = model.apply(variables, images, widths, train=False)  # frames.logits: B 23 68
    """

    config: AlexNetConfig
    classes: int

    @staticmethod
    def frames(width: int) -> int:
        """CTC frames for an image of this width."""
        return (width + 1) // 4

    @nn.compact
    def __call__(self, images: Float[Array, "B 24 W C"], widths: Int[Array, " B"], *, train: bool) -> Frames:
        """Logits of all frames; rows of width 0 hold no sample and have no frames.

        Raises:
          ValueError: the pictures have another height.
        """
        if images.shape[1] != HEIGHT:
            raise ValueError(
                f"AlexNet needs pictures of height {HEIGHT}, got {images.shape[1]}: "
                "set data.height=24 and data.width=94"
            )
        dtype = jnp.dtype(self.config.dtype)
        live = rows_with_samples(widths)

        def convolve(x, number: int, channels: int, kernel=(3, 3), strides=(1, 1)):
            channels = scaled(channels, self.config.width)
            return ConvBlock(channels, kernel, strides, dtype=dtype, name=f"conv{number}")(x, live, train=train)

        x = convolve(images.astype(dtype), 1, 96, (11, 11), (2, 2))  # 12 rows
        x = max_pool(x, (2, 2))
        x = convolve(x, 2, 256, (5, 5))  # 6 rows
        x = max_pool(x, (2, 1))
        x = convolve(x, 3, 384)  # 3 rows
        x = convolve(x, 4, 384)
        x = feature_map(self, convolve(x, 5, 256))
        x = max_pool(x, (3, 1))[:, 0]  # B T D
        x = Dropout(self.config.dropout)(x, train=train)
        return all_frames(nn.Dense(self.classes, name="classifier")(x.astype(jnp.float32)), widths)
