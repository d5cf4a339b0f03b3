"""Random changes of light and colour in each picture."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.ops.masking import mask_padding
from recog.training.augment.config import AugmentConfig
from recog.training.augment.draws import draw, draw_factor

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a pixel's luma (ITU-R BT.601, as in OpenCV)."""


def relight(
    config: AugmentConfig, key: jax.Array, images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"]
) -> Float[Array, "B H W C"]:
    """Changes saturation, hue, contrast and brightness; values may leave 0 to 255, padding becomes undefined."""
    batch, keys = images.shape[0], jax.random.split(key, 4)
    if config.saturation:
        red, green, blue = (weight * images[..., channel, None] for channel, weight in enumerate(LUMA))
        grey = red + green + blue
        images = grey + (images - grey) * _each(draw_factor(keys[0], batch, config.saturation))
    if config.hue:
        images = turn_hue(images, draw(keys[1], batch, config.hue))
    if config.contrast:
        mean = _mean(images, sizes)
        images = (images - mean) * _each(draw_factor(keys[2], batch, config.contrast)) + mean
    if config.brightness:
        images += 255 * _each(draw(keys[3], batch, config.brightness))
    return images


def turn_hue(images: Float[Array, "B H W 3"], turns: Float[Array, " B"]) -> Float[Array, "B H W 3"]:
    """Rotates the HSV hue of RGB pictures by a number of turns for each; saturation and value stay."""
    red, green, blue = images[..., 0], images[..., 1], images[..., 2]
    value = jnp.max(images, axis=-1)
    chroma = value - jnp.min(images, axis=-1)
    from_green_or_blue = jnp.where(value == green, 2 * chroma + blue - red, 4 * chroma + red - green)
    hue = jnp.where(value == red, green - blue, from_green_or_blue) / jnp.where(chroma > 0, chroma, 1)  # in sixths
    hue += 6 * turns[:, None, None]

    def channel(offset: int) -> Float[Array, "B H W"]:
        sextant = (hue + offset) % 6
        return value - chroma * jnp.clip(jnp.minimum(sextant, 4 - sextant), 0, 1)

    return jnp.stack([channel(5), channel(3), channel(1)], axis=-1)


def _mean(images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"]) -> Float[Array, "B 1 1 1"]:
    """Mean over each picture's own pixels and all channels."""
    pixels = _each(jnp.maximum(sizes[:, 0] * sizes[:, 1], 1)) * images.shape[-1]
    return jnp.sum(mask_padding(images, sizes), axis=(1, 2, 3), keepdims=True) / pixels


def _each(x: Array) -> Array:
    """Broadcasts one number for each picture over its pixels."""
    return x[:, None, None, None]
