"""Plate reader of patent US 12,387,506: spatial transformer, residual CNN, two bidirectional LSTMs, CTC."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.codecs import TextCodec
from recog.models.config import RecurrentModelConfig
from recog.models.frames import Frames, all_frames
from recog.models.stn import SpatialTransformer, STNConfig
from recog.ops.batch_norm import BatchNorm
from recog.ops.conv_block import ConvBlock, rows_with_samples, scaled
from recog.ops.dropout import Dropout
from recog.ops.feature_map import feature_map
from recog.ops.pooling import max_pool
from recog.ops.recurrent import RecurrentConfig, RecurrentStack

HEIGHT = 32
"""Input height in pixels; five halvings leave one row. The patent's pictures are 220 wide."""


@dataclasses.dataclass
class PlateReaderConfig(RecurrentModelConfig):
    """The patent's network, and what its experiments vary."""

    width: float = 1.0
    """Factor for every channel count of the convolutions and for `STNConfig.width`; below 1 for small variants."""
    stn: bool = True
    """Whether a spatial transformer rectifies the picture first."""
    transformer: STNConfig = dataclasses.field(default_factory=STNConfig)
    recurrent: RecurrentConfig = dataclasses.field(
        default_factory=lambda: RecurrentConfig(layers=2, units=512, projection=0)
    )
    fc_layers: int = 2
    """Fully connected layers after the recurrent ones, at least 1: the last one is the classifier."""
    fc_units: int = 1024
    """Units of each fully connected layer except the classifier."""
    dropout: float = 0.5
    """Share of each hidden fully connected layer dropped while training; the patent gives no rate."""

    array_fields = ("dropout", "transformer.dropout")

    def build(self, codec: TextCodec) -> "PlateReader":
        """The module that reads over the codec's alphabet."""
        return PlateReader(self, codec.classes)


class ResidualBlock(nn.Module):
    """Sum of two paths, then leaky ReLU; a quarter of the height, half of the width.

    Main path: 2x2 max pooling, then convolutions 3x3, 1x1, 3x3 with a height stride of 2, and 3x3. Shortcut: one 3x3
    convolution with strides 4x2. The patent does not specify activations inside the main path: here leaky ReLU follows
    each of its convolutions but the last, as in He et al. 2016.
    """

    channels: tuple[int, int, int, int]
    """Output channels of the main path's convolutions; the shortcut has those of the last."""
    width: float = 1.0
    """Factor for the channel counts."""
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"], live: Bool[Array, "B 1"], *, train: bool) -> Float[Array, "B Y X D"]:
        def convolve(x, name, channels, kernel=(3, 3), strides=(1, 1), activation=nn.leaky_relu):
            channels = scaled(channels, self.width)
            convolution = ConvBlock(channels, kernel, strides, activation=activation, dtype=self.dtype, name=name)
            return convolution(x, live, train=train)

        first, second, third, last = self.channels
        main = max_pool(x, (2, 2))
        main = convolve(main, "conv1", first)
        main = convolve(main, "conv2", second, kernel=(1, 1))
        main = convolve(main, "conv3", third, strides=(2, 1))
        main = convolve(main, "conv4", last, activation=None)
        shortcut = convolve(x, "shortcut", last, strides=(4, 2), activation=None)
        return nn.leaky_relu(main + shortcut)


class ResidualCNN(nn.Module):
    """Feature extractor of the patent: 32x220 to 1x27 with 1024 channels.

    Convolution 64, batch normalisation, leaky ReLU; Residual-1 up to 256 channels; Residual-2 up to 1024; batch
    normalisation; convolutions 512 (1x1) and 1024 (3x3), each with leaky ReLU, which the patent does not specify; 2x2
    max pooling.
    """

    width: float = 1.0
    """Factor for every channel count."""
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, images: Float[Array, "B 32 W C"], live: Bool[Array, "B 1"], *, train: bool
    ) -> Float[Array, "B 1 T D"]:
        """Extracts features; ``live`` is from `rows_with_samples`, ``W`` must be a multiple of 4."""

        def convolve(x, name: str, channels: int, kernel=(3, 3), batch_norm=False):
            convolution = ConvBlock(
                scaled(channels, self.width),
                kernel,
                batch_norm=batch_norm,
                activation=nn.leaky_relu,
                use_bias=not batch_norm,
                dtype=self.dtype,
                name=name,
            )
            return convolution(x, live, train=train)

        x = convolve(images.astype(self.dtype), "conv1", 64, batch_norm=True)
        x = ResidualBlock((128, 64, 128, 256), self.width, self.dtype, name="residual1")(x, live, train=train)
        x = ResidualBlock((512, 256, 512, 1024), self.width, self.dtype, name="residual2")(x, live, train=train)
        x = BatchNorm(self.dtype, name="norm2")(x, live, train=train)
        x = convolve(x, "conv2", 512, kernel=(1, 1))
        x = feature_map(self, convolve(x, "conv3", 1024))
        return max_pool(x, (2, 2))


class PlateReader(nn.Module):
    """Spatial transformer, residual CNN, bidirectional LSTMs and fully connected layers for each frame.

    Leaky ReLU, which the patent does not specify, and dropout follow each hidden fully connected layer; with
    ``fc_layers=1`` the classifier follows the recurrent layers directly. An image of width ``W``, a multiple of 4, has
    ``W // 8`` frames (27 for 220).

    Example::

      model = PlateReader(PlateReaderConfig(), classes=66)
      variables = model.init(key, images, widths, train=False)  # images: B 32 220 C in -1..1
      frames = model.apply(variables, images, widths, train=False)  # frames.logits: B 27 66
    """

    config: PlateReaderConfig
    classes: int

    @staticmethod
    def frames(width: int) -> int:
        """CTC frames for an image of this width."""
        return width // 8

    @nn.compact
    def __call__(self, images: Float[Array, "B 32 W C"], widths: Int[Array, " B"], *, train: bool) -> Frames:
        """Logits of all frames; rows of width 0 hold no sample and have no frames.

        Raises:
          ValueError: the pictures have another height or a width that is not a multiple of 4, or ``fc_layers`` is 0.
        """
        config = self.config
        if images.shape[1] != HEIGHT or images.shape[2] % 4:
            raise ValueError(
                f"PlateReader needs pictures of height {HEIGHT} and a width that is a multiple of 4, "
                f"got {images.shape[1]}x{images.shape[2]}: set data.height=32 and data.width=220"
            )
        if config.fc_layers < 1:
            raise ValueError(f"model.fc_layers={config.fc_layers}: choose 1 or more; the classifier counts as one")
        dtype = jnp.dtype(config.dtype)
        if config.stn:
            transformer = dataclasses.replace(config.transformer, width=config.transformer.width * config.width)
            images = SpatialTransformer(transformer, dtype, name="stn")(images, train=train)
        features = ResidualCNN(config.width, dtype, name="cnn")(images, rows_with_samples(widths), train=train)
        x = features[:, 0]  # B T D
        lengths = jnp.full(x.shape[:1], x.shape[1])
        x = RecurrentStack(config.recurrent, dtype, name="recurrent")(x, lengths, train=train)
        for number in range(1, config.fc_layers):
            x = nn.leaky_relu(nn.Dense(config.fc_units, dtype=dtype, name=f"fc{number}")(x))
            x = Dropout(config.dropout)(x, train=train)
        return all_frames(nn.Dense(self.classes, name="classifier")(x.astype(jnp.float32)), widths)
