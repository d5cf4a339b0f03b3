"""Labelled boxes of warped pictures, on the device."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.codecs.boxes import BoxTargets
from recog.geometry import move_points
from recog.polygons import share_inside

KEPT = 0.6
"""Minimum share of a box that an augmentation must leave in the picture.

A plate of seven characters that has lost three is of no use to a reader, and two of its corners would be guessed from
little more than half of it. With a much higher share, boxes cut by the border, as photographs have them, would not be
learnt.
"""


def moved(targets: BoxTargets, maps: Float[Array, "B 3 3"], sizes: Int[Array, "B 2"]) -> BoxTargets:
    """See `recog.codecs.boxes.BoxCodec.moved`."""
    batch, boxes = targets.corners.shape[:2]
    centred = jnp.asarray(targets.corners).reshape(batch, boxes * 4, 2) - 0.5  # maps have pixel centres at integers
    points = move_points(maps, centred).reshape(targets.corners.shape) + 0.5
    before, after = share_inside(targets.corners, sizes), share_inside(points, sizes)
    seen = targets.mask & (after > 0)
    mask = seen & (after >= KEPT * before)
    return BoxTargets(
        jnp.where(seen[..., None, None], points, 0.0),
        jnp.where(mask, targets.classes, 0),
        mask,
        jnp.where(mask[..., None], targets.texts, 0),
    )
