"""The one batch type that the data stream hands to every task."""

from typing import Any, NamedTuple

from jaxtyping import Bool, Float, Int, UInt8

Array = Any
"""NumPy on the host, JAX on the device, `jax.ShapeDtypeStruct` where only shapes matter."""


class Batch(NamedTuple):
    """Pictures of one width bucket with their encoded labels; a pytree.

    Rows whose ``mask`` is false hold no sample: they fill up the last batch of an evaluation, or stand for a picture
    that could not be read. They count in no loss and no metric.
    """

    images: UInt8[Array, "B H W C"] | Float[Array, "B H W C"]
    """Pixels 0 to 255, padded with zeros on the right up to the bucket's width."""
    widths: Int[Array, " B"]
    """Columns of each picture that are not padding."""
    labels: Int[Array, "B L"]
    """Token ids, padded with zeros."""
    label_lengths: Int[Array, " B"]
    """Tokens of each label."""
    ids: Int[Array, " B"]
    """Index of each sample in its source, so that messages can name it; ``-1`` where ``mask`` is false."""
    mask: Bool[Array, " B"]
    """Whether the row holds a sample."""
