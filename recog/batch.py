"""Batch type of the data stream, shared by all tasks."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import ArrayLike

Array = Any
"""NumPy array on the host, JAX array on the device, or `jax.ShapeDtypeStruct` for shapes alone."""


class Batch(NamedTuple):
    """Pictures padded to one shape with their encoded labels; a pytree.

    Rows whose ``mask`` is false hold no sample: they pad the last batch of an evaluation, or replace a picture that
    could not be loaded. Losses and metrics ignore them.
    """

    images: UInt8[Array, "B H W C"] | Float[Array, "B H W C"] | Float[Array, "B D"]
    """Pixels 0 to 255, padded with zeros on the right and at the bottom; or features of pictures, if a frozen backbone
    computed them before training."""
    sizes: Int[Array, "B 2"]
    """Height and width of each picture in pixels, padding left out; zero in rows without a sample."""
    targets: Any
    """Encoded labels: a pytree of arrays from the task's codec (`recog.codecs`)."""
    ids: Int[Array, " B"]
    """Index of each sample in its source, for messages; ``-1`` where ``mask`` is false."""
    mask: Bool[Array, " B"]
    """Whether the row holds a sample."""

    @property
    def widths(self) -> Int[Array, " B"]:
        """Width of each picture in pixels, without padding."""
        return self.sizes[:, 1]


def full_height(widths: ArrayLike, height: int) -> Int[np.ndarray, "B 2"]:
    """Sizes of pictures with the height of their batch; rows of width 0 hold no picture and get height 0."""
    widths = np.asarray(widths, np.int32)
    return np.stack([np.where(widths > 0, height, 0).astype(np.int32), widths], axis=1)
