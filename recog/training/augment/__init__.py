"""Augmentation on the device: random geometry, light, optics and dirt for each sample, as part of the jitted step."""

from recog.training.augment.batches import augment
from recog.training.augment.config import AugmentConfig

__all__ = ["AugmentConfig", "augment"]
