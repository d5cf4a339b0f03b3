"""Random crops, mirror images and mixtures of photographs that show one thing each."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.codecs import ClassTargets, MixedClassTargets
from recog.ops.crops import mirror, stretch

NARROWEST, WIDEST = 3 / 4, 4 / 3
"""Range of the ratio of a crop's width to its height (Szegedy et al. 2014, "Going Deeper with Convolutions",
section 6)."""
TRIES = 10
"""Draws of a crop before the largest one in the centre is taken, as in torchvision's ``RandomResizedCrop``."""


def crop(
    least: float, key: jax.Array, images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"]
) -> Float[Array, "B H W C"]:
    """Stretches a random box of each picture over the whole picture (`random_boxes`)."""
    return stretch(images, sizes, random_boxes(least, key, sizes))


def random_boxes(least: float, key: jax.Array, sizes: Int[Array, "B 2"]) -> Float[Array, "B 4"]:
    """Random boxes: left and top edge, width and height in pixels.

    The area is uniform between the share ``least`` and the whole of the picture's, the logarithm of the aspect ratio
    uniform between those of `NARROWEST` and `WIDEST`, the position uniform. Boxes that do not fit are drawn again.
    """
    batch, own = len(sizes), jnp.maximum(sizes, 1).astype(jnp.float32)
    heights, widths = own[:, 0, None], own[:, 1, None]
    keys = jax.random.split(key, 4)
    area = jax.random.uniform(keys[0], (batch, TRIES), minval=least) * heights * widths
    ends = math.log(NARROWEST), math.log(WIDEST)
    ratio = jnp.exp(jax.random.uniform(keys[1], (batch, TRIES), minval=ends[0], maxval=ends[1]))
    wide, high = jnp.sqrt(area * ratio), jnp.sqrt(area / ratio)
    fits = (wide <= widths) & (high <= heights)
    first = jnp.argmax(fits, axis=1)[:, None]
    wide, high = (jnp.take_along_axis(x, first, axis=1) for x in (wide, high))
    some = jnp.any(fits, axis=1, keepdims=True)
    wide = jnp.where(some, wide, jnp.minimum(widths, heights * WIDEST))
    high = jnp.where(some, high, jnp.minimum(heights, widths / NARROWEST))
    left, top = (jnp.where(some, jax.random.uniform(k, (batch, 1)), 0.5) for k in keys[2:])
    return jnp.concatenate([left * (widths - wide), top * (heights - high), wide, high], axis=1)


def flip(
    probability: float, key: jax.Array, images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"]
) -> Float[Array, "B H W C"]:
    """Mirrors each picture left to right with a probability."""
    chosen = _flipped(probability, key, len(images))
    return jnp.where(chosen[:, None, None, None], mirror(images, sizes), images)


def flip_features(probability: float, key: jax.Array, features: Float[Array, "B 2 D"]) -> Float[Array, "B D"]:
    """Features of each picture or, with a probability, of its mirror image: of those that `flip` mirrors.

    Args:
      probability: of the mirror image.
      key: of the draws.
      features: of each picture and of its mirror image.
    """
    return jnp.where(_flipped(probability, key, len(features))[:, None], features[:, 1], features[:, 0])


def _flipped(probability: float, key: jax.Array, batch: int) -> Bool[Array, " B"]:
    return jax.random.bernoulli(key, probability, (batch,))


def mix(
    alpha: float, key: jax.Array, images: Float[Array, "B H W C"], targets: ClassTargets, mask: Bool[Array, " B"]
) -> tuple[Float[Array, "B H W C"], MixedClassTargets]:
    """Mixes each picture and its class with those of another one of the batch (mixup, Zhang et al. 2018).

    The weight of the picture itself is the larger one of a draw from Beta(``alpha``, ``alpha``) and its complement, so
    that the picture's own class remains the likelier one.

    Args:
      alpha: parameter of the distribution.
      key: of the draws.
      images: pictures of one size.
      targets: their classes.
      mask: rows that hold a sample; others neither change nor are mixed into a sample.
    """
    order_key, weight_key = jax.random.split(key)
    draws = jax.random.beta(weight_key, alpha, alpha, (len(images),))
    weights = jnp.where(mask, jnp.maximum(draws, 1 - draws), 1.0)
    partners = random_partners(order_key, mask)
    share = weights[:, None, None, None]
    images = images * share + images[partners] * (1 - share)
    return images, MixedClassTargets(targets.classes, targets.classes[partners], weights)


def random_partners(key: jax.Array, mask: Bool[Array, " B"]) -> Int[Array, " B"]:
    """Row of another sample for each sample, along a random cycle through all of them; others keep their own row."""
    rows = jnp.arange(len(mask))
    order = jnp.argsort(jnp.where(mask, jax.random.uniform(key, mask.shape), 2.0))  # samples come first
    following = order[(rows + 1) % jnp.maximum(jnp.sum(mask), 1)]
    return jnp.where(mask, jnp.zeros_like(rows).at[order].set(following), rows)
