"""Augmentation on the device: random geometry and light for each sample, as part of the jitted step."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from recog.batch import Batch
from recog.geometry import affine_points, bilinear_sample


@dataclasses.dataclass
class AugmentConfig:
    """Ranges of uniform draws, one draw a sample; all zero leaves the pictures as they are."""

    rotation: float = 0.0
    """Degrees either way. Keep it small: a 6 must not become a 9."""
    shear: float = 0.0
    """Horizontal shift per row, either way."""
    scale: float = 0.0
    """Relative change of width and of height, each drawn by itself."""
    translate: float = 0.0
    """Shift in parts of the picture's height, along both axes."""
    brightness: float = 0.0
    """Added to every pixel, in parts of the full range, either way."""
    contrast: float = 0.0
    """Relative change of the distance to the picture's mean."""
    noise: float = 0.0
    """Largest standard deviation of Gaussian pixel noise, in parts of the full range."""

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return any((self.rotation, self.shear, self.scale, self.translate))

    @property
    def relights(self) -> bool:
        """Whether pixels change their value."""
        return any((self.brightness, self.contrast, self.noise))


def augment(config: AugmentConfig, key: jax.Array, batch: Batch) -> Batch:
    """A batch of the same shape with changed pictures (float32, still 0 to 255); a no-op when every range is zero."""
    images = batch.images
    move_key, light_key = jax.random.split(key)
    if config.moves:
        images = _move(config, move_key, images, batch.widths)
    if config.relights:
        images = _relight(config, light_key, images, batch.widths)
    return batch._replace(images=images)


def _draw(key: jax.Array, batch: int, limit: float) -> Float[Array, " B"]:
    return jax.random.uniform(key, (batch,), minval=-limit, maxval=limit)


def random_matrices(config: AugmentConfig, key: jax.Array, widths: Array, height: int) -> Float[Array, "B 2 3"]:
    """Affine maps from output to input pixels, about the middle of each picture's own width."""
    batch = widths.shape[0]
    keys = jax.random.split(key, 6)
    angle = jnp.deg2rad(_draw(keys[0], batch, config.rotation))
    shear = _draw(keys[1], batch, config.shear)
    wide, high = (jnp.exp(_draw(k, batch, jnp.log1p(config.scale))) for k in keys[2:4])
    shift = jnp.stack([_draw(k, batch, config.translate * height) for k in keys[4:6]], axis=-1)  # B 2
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    linear = jnp.stack(
        [jnp.stack([cos * wide, (shear * cos - sin) * high], -1), jnp.stack([sin * wide, (shear * sin + cos) * high], -1)],
        axis=1,
    )  # B 2 2
    middle = jnp.stack([(widths - 1) / 2, jnp.full(batch, (height - 1) / 2)], axis=-1)
    offset = middle + shift - jnp.einsum("bij,bj->bi", linear, middle)
    return jnp.concatenate([linear, offset[..., None]], axis=-1)


def _move(config: AugmentConfig, key: jax.Array, images: Array, widths: Array) -> Float[Array, "B H W C"]:
    height, width = images.shape[1:3]
    points = affine_points(random_matrices(config, key, widths, height), height, width)
    inside = jnp.minimum(points[..., 0], (widths - 1)[:, None, None])  # never look into the padding
    return bilinear_sample(images.astype(jnp.float32), jnp.stack([inside, points[..., 1]], axis=-1))


def _relight(config: AugmentConfig, key: jax.Array, images: Array, widths: Array) -> Float[Array, "B H W C"]:
    images = images.astype(jnp.float32)
    batch, height, width, channels = images.shape
    keys = jax.random.split(key, 4)
    live = (jnp.arange(width) < widths[:, None])[:, None, :, None]
    pixels = jnp.maximum(widths, 1)[:, None, None, None] * height * channels
    mean = jnp.sum(jnp.where(live, images, 0.0), axis=(1, 2, 3), keepdims=True) / pixels
    contrast = jnp.exp(_draw(keys[0], batch, jnp.log1p(config.contrast)))[:, None, None, None]
    brightness = 255 * _draw(keys[1], batch, config.brightness)[:, None, None, None]
    images = (images - mean) * contrast + mean + brightness
    if config.noise:
        strength = 255 * jax.random.uniform(keys[2], (batch, 1, 1, 1), maxval=config.noise)
        images += strength * jax.random.normal(keys[3], images.shape)
    return jnp.clip(images, 0, 255)
