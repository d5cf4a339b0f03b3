"""Greedy non-maximum suppression with fixed shapes."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.detection.overlap import intersection_over_union


def suppress(
    boxes: Float[Array, "B N 4"], classes: Int[Array, "B N"], scores: Float[Array, "B N"], most: float
) -> Bool[Array, "B N"]:
    """Marks the boxes that greedy non-maximum suppression keeps.

    Args:
      boxes: x1, y1, x2, y2, by decreasing score.
      classes: class of each box; only boxes of one class suppress each other.
      scores: scores of the boxes; those of 0 or less are no boxes.
      most: maximum intersection over union of two boxes that are kept.
    """
    count = boxes.shape[1]
    overlaps = intersection_over_union(boxes[:, :, None], boxes[:, None])
    rivals = (overlaps > most) & (classes[:, :, None] == classes[:, None])
    later = jnp.arange(count) > jnp.arange(count)[:, None]

    def visit(place: Int[Array, ""], kept: Bool[Array, "B N"]) -> Bool[Array, "B N"]:
        own = jax.lax.dynamic_index_in_dim(kept, place, 1)  # B 1
        beaten = jax.lax.dynamic_index_in_dim(rivals & later, place, 1, keepdims=False)
        return kept & ~(own & beaten)

    return jax.lax.fori_loop(0, count, visit, scores > 0)
