"""Spatial transformer (Jaderberg, Simonyan, Zisserman and Kavukcuoglu, "Spatial Transformer Networks", 2015).

Rectifies tilted pictures before recognition. The localisation network is that of the plate reader of patent
US 12,387,506.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from recog.geometry import affine_points, bilinear_sample
from recog.ops.conv_block import ConvBlock, scaled
from recog.ops.dropout import Dropout
from recog.ops.pooling import max_pool

CHANNELS = (8, 16, 32)
"""Output channels of the localisation network's convolutions; a pool follows the first."""
UNITS = 64
"""Units of its hidden fully connected layer."""
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""Theta of the identity, row by row."""


@dataclasses.dataclass
class STNConfig:
    """Settings of the localisation network."""

    width: float = 1.0
    """Factor for its channels and hidden units."""
    dropout: float = 0.5
    """Dropout rate of the hidden units; the patent gives no rate."""


def pixel_matrices(theta: Float[Array, "B 2 3"], height: int, width: int) -> Float[Array, "B 2 3"]:
    """Converts theta from normalised to pixel coordinates, as `affine_points` expects.

    Normalised coordinates are -1 and 1 at the centres of the outermost pixels ("align corners").

    Args:
      theta: affine maps from output to input coordinates, both in -1..1.
      height: rows of the picture, at least 2.
      width: columns of the picture, at least 2.
    """
    half = jnp.array([width - 1, height - 1], jnp.float32) / 2
    linear, shift = theta[..., :2], theta[..., 2]
    # From normalised = pixel / half - 1 on both sides of normalised_in = linear @ normalised_out + shift.
    shift = half * (shift + 1 - linear.sum(axis=-1))
    return jnp.concatenate([linear * (half[:, None] / half), shift[..., None]], axis=-1)


def transform(images: Float[Array, "B H W C"], theta: Float[Array, "B 2 3"]) -> Float[Array, "B H W C"]:
    """Warps each image by its own theta, with bilinear sampling; points outside take the nearest border pixel.

    Always in float32: bfloat16 coordinates could not distinguish the columns of a plate. Differentiable in both
    arguments.

    Args:
      images: any float images.
      theta: maps the normalised coordinates (x, y, 1) of an output pixel to its sampling point in the input (equation 1
        of the paper); ``[[1, 0, 0], [0, 1, 0]]`` is the identity. See `pixel_matrices` for the coordinates.
    """
    height, width = images.shape[1:3]
    points = affine_points(pixel_matrices(theta.astype(jnp.float32), height, width), height, width)
    return bilinear_sample(images.astype(jnp.float32), points)


class Localization(nn.Module):
    """Regresses theta from a picture; initialised to the identity.

    Convolutions of 8, 16 and 32 channels, all 3x3 with leaky ReLU, a 2x2 max pool after the first; 64 fully connected
    units with leaky ReLU; dropout; six outputs. Pictures must have the size that the parameters were initialised for.
    """

    config: STNConfig
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, images: Float[Array, "B H W C"], *, train: bool) -> Float[Array, "B 2 3"]:
        x = images.astype(self.dtype)
        every_row = jnp.ones((x.shape[0], 1), bool)  # no effect without batch normalisation
        for number, channels in enumerate(CHANNELS, start=1):
            convolution = ConvBlock(
                scaled(channels, self.config.width), activation=nn.leaky_relu, dtype=self.dtype, name=f"conv{number}"
            )
            x = convolution(x, every_row, train=train)
            if number == 1:
                x = max_pool(x, (2, 2))
        hidden = nn.Dense(scaled(UNITS, self.config.width), dtype=self.dtype, name="hidden")
        x = nn.leaky_relu(hidden(x.reshape(x.shape[0], -1)))
        x = Dropout(self.config.dropout)(x, train=train)
        theta = nn.Dense(
            len(IDENTITY),
            kernel_init=nn.initializers.zeros,
            bias_init=lambda *_: jnp.array(IDENTITY),
            precision=jax.lax.Precision.HIGHEST,
            name="theta",
        )(x.astype(jnp.float32))
        return theta.reshape(-1, 2, 3)


class SpatialTransformer(nn.Module):
    """Warps each picture by the affine map that a localisation network regresses from it.

    Example::

      rectify = SpatialTransformer(STNConfig())
      variables = rectify.init(key, images, train=False)  # images: B H W C
      rectified = rectify.apply(variables, images, train=False)  # B H W C, float32
    """

    config: STNConfig
    dtype: jnp.dtype = jnp.float32
    """Type of the localisation network; theta and sampling are always float32."""

    @nn.compact
    def __call__(self, images: Float[Array, "B H W C"], *, train: bool) -> Float[Array, "B H W C"]:
        theta = Localization(self.config, self.dtype, name="localization")(images, train=train)
        return transform(images, theta)
