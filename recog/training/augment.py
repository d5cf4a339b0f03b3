"""Augmentation on the device: random geometry and light for each sample, as part of the jitted step."""

import dataclasses
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.batch import Batch
from recog.geometry import affine_points, bilinear_sample
from recog.models.frames import mask_columns

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the grey of a pixel (ITU-R BT.601, as OpenCV's)."""


@dataclasses.dataclass
class AugmentConfig:
    """Ranges of uniform draws, one draw a sample; all zero leaves the pictures as they are."""

    rotation: float = 0.0
    """Degrees either way. Keep it small: a 6 must not become a 9."""
    shear: float = 0.0
    """Horizontal shift per row, either way."""
    scale: float = 0.0
    """Relative change of width and of height, each drawn by itself: 0.25 for 1/1.25 to 1.25 times."""
    translate: float = 0.0
    """Shift in parts of the picture's height, along both axes."""
    brightness: float = 0.0
    """Added to every pixel, in parts of the full range, either way."""
    contrast: float = 0.0
    """Relative change of the distance to the picture's mean, as for ``scale``."""
    saturation: float = 0.0
    """Relative change of each pixel's distance to its own grey, as for ``scale``; colour pictures only."""
    noise: float = 0.0
    """Largest standard deviation of Gaussian pixel noise, in parts of the full range."""

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return any((self.rotation, self.shear, self.scale, self.translate))

    @property
    def relights(self) -> bool:
        """Whether pixels change their value."""
        return any((self.brightness, self.contrast, self.saturation, self.noise))


def augment(config: AugmentConfig, key: jax.Array, batch: Batch) -> Batch:
    """A batch of the same shape with changed pictures (float32, still 0 to 255, padding zero).

    Only a sample's own columns are read. When every range is zero, the very batch that came in goes out.

    Raises:
      ValueError: a range is negative, or saturation is to change in grayscale pictures.
    """
    if min(dataclasses.astuple(config)) < 0:
        raise ValueError(f"{config}: ranges must not be negative")
    if config.saturation and batch.images.shape[-1] != 3:
        raise ValueError("augment.saturation changes colours, but the pictures are grayscale: set data.channels=3")
    if not (config.moves or config.relights):
        return batch
    images, widths = jnp.asarray(batch.images, jnp.float32), jnp.asarray(batch.widths)
    move_key, light_key = jax.random.split(key)
    if config.moves:
        images = _move(config, move_key, images, widths)
    if config.relights:
        images = _relight(config, light_key, images, widths)
    return batch._replace(images=mask_columns(images, widths))


def random_matrices(
    config: AugmentConfig, key: jax.Array, widths: Int[Array, " B"], height: int
) -> Float[Array, "B 2 3"]:
    """Affine maps from output to input pixels, about the middle of each picture's own width."""
    batch = widths.shape[0]
    keys = jax.random.split(key, 6)
    angle = jnp.deg2rad(_draw(keys[0], batch, config.rotation))
    shear = _draw(keys[1], batch, config.shear)
    wide, high = (_draw_factor(k, batch, config.scale) for k in keys[2:4])
    right, down = (_draw(k, batch, config.translate * height) for k in keys[4:6])
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    a, b = cos * wide, (shear * cos - sin) * high
    c, d = sin * wide, (shear * sin + cos) * high
    x, y = (widths - 1) / 2, (height - 1) / 2
    # Written out, because a matrix product would round coordinates to TF32 or bfloat16 on an accelerator.
    rows = [(a, b, x + right - a * x - b * y), (c, d, y + down - c * x - d * y)]
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=1)


def _draw(key: jax.Array, batch: int, limit: float) -> Float[Array, " B"]:
    """Uniform between plus and minus the limit."""
    return jax.random.uniform(key, (batch,), minval=-limit, maxval=limit)


def _draw_factor(key: jax.Array, batch: int, change: float) -> Float[Array, " B"]:
    """Log-uniform between ``1 / (1 + change)`` and ``1 + change``."""
    return jnp.exp(_draw(key, batch, math.log1p(change)))


def _move(
    config: AugmentConfig, key: jax.Array, images: Float[Array, "B H W C"], widths: Int[Array, " B"]
) -> Float[Array, "B H W C"]:
    height, width = images.shape[1:3]
    points = affine_points(random_matrices(config, key, widths, height), height, width)
    inside = jnp.minimum(points[..., 0], (widths - 1)[:, None, None])  # never look into the padding
    return bilinear_sample(images, jnp.stack([inside, points[..., 1]], axis=-1))


def _relight(
    config: AugmentConfig, key: jax.Array, images: Float[Array, "B H W C"], widths: Int[Array, " B"]
) -> Float[Array, "B H W C"]:
    batch, height, _, channels = images.shape
    keys = jax.random.split(key, 5)
    if config.saturation:
        grey = jnp.sum(images * jnp.array(LUMA), axis=-1, keepdims=True)
        images = grey + (images - grey) * _draw_factor(keys[4], batch, config.saturation)[:, None, None, None]
    pixels = jnp.maximum(widths, 1)[:, None, None, None] * height * channels
    mean = jnp.sum(mask_columns(images, widths), axis=(1, 2, 3), keepdims=True) / pixels
    contrast = _draw_factor(keys[0], batch, config.contrast)[:, None, None, None]
    brightness = 255 * _draw(keys[1], batch, config.brightness)[:, None, None, None]
    images = (images - mean) * contrast + mean + brightness
    if config.noise:
        strength = 255 * jax.random.uniform(keys[2], (batch, 1, 1, 1), maxval=config.noise)
        images += strength * jax.random.normal(keys[3], images.shape)
    return jnp.clip(images, 0, 255)
