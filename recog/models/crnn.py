"""CRNN (Shi, Bai and Yao, "An End-to-End Trainable Neural Network for Image-based Sequence Recognition", 2015)."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.models.blstm import RecurrentConfig, RecurrentStack
from recog.models.frames import Frames, mask_columns

HEIGHT = 32
"""Input height of Table 1; four halvings and a 2x2 convolution leave one row."""


@dataclasses.dataclass
class CRNNConfig:
    """Table 1 of the paper, and what users' ablations turn."""

    width: float = 1.0
    """Multiplies every channel count of the convolutions: small variants for laptops."""
    batch_norm: tuple[int, ...] = (5, 6)
    """Convolutions (1 to 7) followed by batch normalisation; the paper's are the fifth and the sixth."""
    recurrent: RecurrentConfig = dataclasses.field(default_factory=RecurrentConfig)
    dropout: float = 0.0
    """Share of the recurrent features dropped before the classifier while training."""
    dtype: str = "float32"
    """Of convolutions and matrix products; parameters, statistics and logits stay float32."""


CHANNELS = (64, 128, 256, 256, 512, 512, 512)
POOLS = {1: 2, 2: 2, 4: 1, 6: 1}
"""Width stride of the pooling after the convolutions of these numbers; the later ones keep the width."""


class CRNN(nn.Module):
    """Seven convolutions, a recurrent stack and a classifier for each frame.

    The last two pools overlap by one column and the last convolution is 2x2 without padding, as in the authors' code:
    a picture ``W`` columns wide has ``W // 4 + 1`` frames (26 for 100).

    Columns beyond a sample's width are set to zero after every convolution, so that a reading never depends on how far
    a batch was padded.

    Example::

      model = CRNN(CRNNConfig(), classes=37)
      variables = model.init(key, images, widths, train=False)  # images: B 32 W C in -1..1
      frames = model.apply(variables, images, widths, train=False)  # frames.logits: B T 37
    """

    config: CRNNConfig
    classes: int

    @staticmethod
    def frames(width: int) -> int:
        """Frames that a picture of this width has."""
        return width // 4 + 1

    @nn.compact
    def __call__(self, images: Float[Array, "B 32 W C"], widths: Int[Array, " B"], *, train: bool) -> Frames:
        if images.shape[1] != HEIGHT:
            raise ValueError(f"CRNN reads pictures of height {HEIGHT}, got {images.shape[1]}: set the data's height")
        dtype = jnp.dtype(self.config.dtype)
        x = mask_columns(images.astype(dtype), widths)
        for number, channels in enumerate(CHANNELS, start=1):
            x, widths = self._convolve(x, widths, number, channels, train)
            if number in POOLS:
                x, widths = _pool(x, widths, POOLS[number])
        lengths = widths
        x = RecurrentStack(self.config.recurrent, dtype, name="recurrent")(x[:, 0], lengths)  # B T 2U
        x = nn.Dropout(self.config.dropout, deterministic=not train)(x)
        return Frames(nn.Dense(self.classes, name="classifier")(x.astype(jnp.float32)), lengths)

    def _convolve(self, x, widths, number: int, channels: int, train: bool):
        last = number == len(CHANNELS)
        x = nn.Conv(
            max(1, round(channels * self.config.width)),
            (2, 2) if last else (3, 3),
            padding="VALID" if last else "SAME",
            kernel_init=nn.initializers.he_normal(),
            dtype=x.dtype,
            name=f"conv{number}",
        )(x)
        widths = widths - 1 if last else widths
        if number in self.config.batch_norm:
            live = jnp.arange(x.shape[2]) < widths[:, None]
            normalize = nn.BatchNorm(not train, momentum=0.9, dtype=x.dtype, name=f"norm{number}")
            x = normalize(x, mask=live[:, None, :, None])
        return mask_columns(nn.relu(x), widths), widths


def _pool(x: Float[Array, "B H W C"], widths, width_stride: int):
    """2x2 max pooling with a height stride of two; with a width stride of one, padded by a column on both sides.

    Written as maxima of neighbours, whose gradient is elementwise: a window reduction's is a scatter, and slow on CPUs.
    Zero serves as padding because the features come out of a ReLU.
    """
    batch, height, width, channels = x.shape
    rows = x.reshape(batch, height // 2, 2, width, channels)
    x = jnp.maximum(rows[:, :, 0], rows[:, :, 1])
    if width_stride == 1:
        x = jnp.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)))
        x, widths = jnp.maximum(x[:, :, :-1], x[:, :, 1:]), widths + 1
    else:
        pairs = x[:, :, : width // 2 * 2].reshape(batch, height // 2, width // 2, 2, channels)
        x, widths = jnp.maximum(pairs[:, :, :, 0], pairs[:, :, :, 1]), widths // 2
    return mask_columns(x, widths), widths
