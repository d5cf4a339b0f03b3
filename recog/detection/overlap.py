"""Overlap of axis-aligned boxes on the device."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def areas(boxes: Float[Array, "... 4"]) -> Float[Array, "..."]:
    """Areas of boxes (x1, y1, x2, y2); 0 for inverted ones."""
    sides = jnp.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return sides[..., 0] * sides[..., 1]


def intersection_over_union(one: Float[Array, "... 4"], other: Float[Array, "... 4"]) -> Float[Array, "..."]:
    """Intersection over union of boxes (x1, y1, x2, y2), 0 to 1; 0 where both are empty. Shapes broadcast."""
    low = jnp.maximum(one[..., :2], other[..., :2])
    sides = jnp.maximum(jnp.minimum(one[..., 2:], other[..., 2:]) - low, 0)
    shared = sides[..., 0] * sides[..., 1]
    union = areas(one) + areas(other) - shared
    return shared / jnp.where(union > 0, union, 1.0)
