"""Views of pictures, whose predicted probabilities are averaged at test time."""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from recog.ops.crops import mirror, stretch

WHOLE = ("whole",)
"""The picture itself alone."""
NAMES = ("whole", "crops", "flip")
"""``whole`` is the picture, ``crops`` its four corners and its centre, ``flip`` the mirror images of the former."""
CROP = 7 / 8
"""Side of a crop, as a fraction of the picture's (Krizhevsky et al. 2012, section 4.1: 224 of 256 pixels)."""
PLACES = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.5))
"""Positions of the crops across and down, as fractions of the way from one border to the other."""


def check_views(names: Sequence[str]) -> None:
    """Raises ``ValueError`` for unknown views, repeated ones, or ``flip`` without one to mirror."""
    if not set(names) <= set(NAMES) or len(set(names)) < len(names) or not set(names) - {"flip"}:
        raise ValueError(
            f"views={tuple(names)}: name one or more of {', '.join(NAMES)} once each; flip mirrors the others"
        )


def views_of(
    images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"], names: Sequence[str]
) -> list[UInt8[Array, "B H W C"] | Float[Array, "B H W C"]]:
    """Views of each picture, each of the picture's own size; pixels 0 to 255, padding zero.

    Args:
      images: pictures, padded on the right and at the bottom.
      sizes: height and width of each picture without padding.
      names: views, some of `NAMES`.
    """
    found = [images] if "whole" in names else []
    if "crops" in names:
        pixels, own = jnp.asarray(images, jnp.float32), sizes[:, ::-1].astype(jnp.float32)  # width before height
        for place in PLACES:
            boxes = jnp.concatenate([jnp.array(place) * (1 - CROP) * own, CROP * own], axis=1)
            found.append(stretch(pixels, sizes, boxes))
    return found + ([mirror(view, sizes) for view in found] if "flip" in names else [])
