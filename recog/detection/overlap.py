"""Overlap of axis-aligned boxes on the device."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def areas(boxes: Float[Array, "... 4"]) -> Float[Array, "..."]:
    """Areas of boxes (x1, y1, x2, y2); 0 for inverted ones."""
    sides = jnp.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return sides[..., 0] * sides[..., 1]


def intersection_over_union(one: Float[Array, "... 4"], other: Float[Array, "... 4"]) -> Float[Array, "..."]:
    """Intersection over union of boxes (x1, y1, x2, y2), 0 to 1; 0 where both are empty. Shapes broadcast."""
    shared = _intersection(one, other)
    return _quotient(shared, areas(one) + areas(other) - shared)


def generalized_iou(one: Float[Array, "... 4"], other: Float[Array, "... 4"]) -> Float[Array, "..."]:
    """Generalized intersection over union, -1 to 1 (Rezatofighi et al. 2019); also falls with the distance of boxes."""
    shared = _intersection(one, other)
    union = areas(one) + areas(other) - shared
    hull = areas(
        jnp.concatenate(
            [jnp.minimum(one[..., :2], other[..., :2]), jnp.maximum(one[..., 2:], other[..., 2:])], axis=-1
        )
    )
    return _quotient(shared, union) - _quotient(hull - union, hull)


def _intersection(one: Float[Array, "... 4"], other: Float[Array, "... 4"]) -> Float[Array, "..."]:
    low = jnp.maximum(one[..., :2], other[..., :2])
    sides = jnp.maximum(jnp.minimum(one[..., 2:], other[..., 2:]) - low, 0)
    return sides[..., 0] * sides[..., 1]


def _quotient(part: Float[Array, "..."], whole: Float[Array, "..."]) -> Float[Array, "..."]:
    return part / jnp.where(whole > 0, whole, 1.0)
