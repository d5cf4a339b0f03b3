"""Augmentation of a batch: crops, mirror images, geometry, light, blur, noise, erasing and mixtures, in this order."""

import jax
import jax.numpy as jnp

from recog.batch import Batch
from recog.codecs import Codec
from recog.ops.masking import mask_padding
from recog.training.augment.config import AugmentConfig
from recog.training.augment.erase import erase
from recog.training.augment.light import relight
from recog.training.augment.optics import blur, noise
from recog.training.augment.photograph import crop, flip, flip_features, mix
from recog.training.augment.warp import move


def augment(config: AugmentConfig, key: jax.Array, batch: Batch, codec: Codec) -> Batch:
    """Augments the pictures of a batch, and moves its targets: float32, still 0 to 255, padding zero.

    Padding does not affect a sample. If every range is zero, returns the same batch.

    Args:
      config: ranges of the random draws.
      key: of the draws.
      batch: pictures and their targets; or, if only ``flip`` is set, ``B 2 D`` features of pictures and of their mirror
        images, of which ``B D`` are returned.
      codec: codec of the targets.

    Raises:
      ValueError: a range is negative or too large, or does not suit the pictures or the labels.
    """
    config.check(batch.images.shape[-1], codec)
    if config == AugmentConfig():
        return batch
    flip_key = jax.random.fold_in(key, 6)
    if batch.images.ndim == 3:
        return batch._replace(images=flip_features(config.flip, flip_key, batch.images))
    images, sizes = jnp.asarray(batch.images, jnp.float32), jnp.asarray(batch.sizes)
    targets = batch.targets
    keys = jax.random.split(key, 5)
    if config.crop:
        images = crop(config.crop, jax.random.fold_in(key, 5), images, sizes)
    if config.flip:
        images = flip(config.flip, flip_key, images, sizes)
    if config.moves:
        images, maps = move(config, keys[0], images, sizes)
        targets = codec.moved(targets, maps, sizes)
    if config.relights:
        images = relight(config, keys[1], images, sizes)
    if config.blur:
        images = blur(config.blur, keys[2], images, sizes)
    if config.noise:
        images = noise(config.noise, keys[3], images)
    images = jnp.clip(images, 0, 255)
    if config.erasing:
        images = erase(config.erasing, keys[4], images, sizes)
    images = mask_padding(images, sizes)
    if config.mixup:
        images, targets = mix(config.mixup, jax.random.fold_in(key, 7), images, targets, jnp.asarray(batch.mask))
    return batch._replace(images=images, targets=targets)
