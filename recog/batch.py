"""The one batch type that the data stream hands to every task."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

Array = Any
"""NumPy on the host, JAX on the device, `jax.ShapeDtypeStruct` where only shapes matter."""


class Batch(NamedTuple):
    """Pictures of one shape with their encoded labels; a pytree.

    Rows whose ``mask`` is false hold no sample: they fill up the last batch of an evaluation, or stand for a picture
    that could not be loaded. They count in no loss and no metric.
    """

    images: UInt8[Array, "B H W C"] | Float[Array, "B H W C"]
    """Pixels 0 to 255, padded with zeros on the right and at the bottom."""
    sizes: Int[Array, "B 2"]
    """Height and width of each picture in pixels, padding left out; zero in rows without a sample."""
    targets: Any
    """Encoded labels: the pytree of arrays that the task's codec makes (`recog.codecs`)."""
    ids: Int[Array, " B"]
    """Index of each sample in its source, so that messages can name it; ``-1`` where ``mask`` is false."""
    mask: Bool[Array, " B"]
    """Whether the row holds a sample."""

    @property
    def widths(self) -> Int[Array, " B"]:
        """Columns of each picture that are not padding."""
        return self.sizes[:, 1]


def full_height(widths: Int[np.ndarray, " B"], height: int) -> Int[np.ndarray, "B 2"]:
    """Sizes of pictures that fill the height of their batch; rows of width 0 hold none and get height 0."""
    widths = np.asarray(widths, np.int32)
    return np.stack([np.where(widths > 0, height, 0).astype(np.int32), widths], axis=1)
