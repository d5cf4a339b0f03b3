"""Evidence for the prediction of one picture, as NumPy arrays."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt8


class Drawn(NamedTuple):
    """Drawings of graphic supervision (`recog.tasks.graphic`): ink, 0 to 1."""

    network: Float[np.ndarray, "H W"]
    """Drawing by the network."""
    label: Float[np.ndarray, "H W"] | None
    """Label drawn with the font that training uses; None without labels."""


class Explanation(NamedTuple):
    """Evidence for the prediction of one picture of ``H`` by ``W`` pixels, without the padding of its batch."""

    characters: tuple[str, ...] = ()
    """Tokens of the text that was read, in the order of the picture; name of the predicted class of a classifier; empty
    for detectors."""
    maps: Float32[np.ndarray, "S H W"] = np.zeros((0, 0, 0), np.float32)
    """Evidence for each of ``characters``, from 0 to 1 at its highest; all zero without positive evidence."""
    heats: Mapping[str, Float32[np.ndarray, "T K"]] = MappingProxyType({})
    """Probabilities of the classes in every frame; or, of attention decoders, for every character and the end. By name
    of the branch, of readers by parts; ``text`` of others; empty for classifiers and detectors."""
    rectified: UInt8[np.ndarray, "H W C"] | None = None
    """Picture after the spatial transformer; None without one."""
    quad: Float32[np.ndarray, "4 2"] | None = None
    """Corners of the rectified picture in the picture, x before y in pixels, pixel centres at integers: top left, top
    right, bottom right, bottom left. They may lie outside."""
    drawn: Drawn | None = None
    """Drawings of a reader that was trained with graphic supervision, at the size of the padded picture."""
