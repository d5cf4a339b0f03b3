"""Questions about texts that were read, and the evidence that answers them; arrays of JAX or of NumPy."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxtyping import Float, Int, UInt8


class Asked(NamedTuple):
    """Pictures, and what was read in them."""

    images: UInt8[Any, "B H W C"]
    sizes: Int[Any, "B 2"]
    readings: Mapping[str, tuple[Int[Any, "B L"], Int[Any, " B"]]]
    """Tokens and their number, by branch."""
    branches: Int[Any, "B S"]
    """Number of the branch of each character, among their sorted names; -1 without one."""
    slots: Int[Any, "B S"]
    """Slot of each character in its branch's reading."""


class Evidence(NamedTuple):
    """Evidence of a batch of pictures."""

    maps: Float[Any, "B S Y X"]
    """Map over the feature map's positions for each character."""
    heats: Mapping[str, Float[Any, "B T K"]]
    """Probabilities of the classes in each frame, or for each token of attention decoders, by branch."""
    lengths: Mapping[str, Int[Any, " B"]]
    """Frames or tokens of each row, by branch."""
    rectified: Float[Any, "B H W C"] | None = None
    """Pictures after the spatial transformer, in -1..1."""
    matrices: Float[Any, "B 2 3"] | None = None
    """Affine maps from pixels of the rectified pictures to those of the pictures."""
