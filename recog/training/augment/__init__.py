"""Augmentation on the device: random geometry, light, optics and erasing for each sample, inside the jitted step."""

from recog.training.augment.batches import augment
from recog.training.augment.config import AugmentConfig

__all__ = ["AugmentConfig", "augment"]
