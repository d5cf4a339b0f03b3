"""Areas of quadrilaterals and of their parts inside a picture, on the device."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def area(points: Float[Array, "*B V 2"]) -> Float[Array, "*B"]:
    """Area of polygons (shoelace formula), for either order of their points."""
    x, y = points[..., 0], points[..., 1]
    return jnp.abs(jnp.sum(x * jnp.roll(y, -1, axis=-1) - jnp.roll(x, -1, axis=-1) * y, axis=-1)) / 2


def share_inside(points: Float[Array, "B N V 2"], sizes: Int[Array, "B 2"]) -> Float[Array, "B N"]:
    """Share of the area of polygons that is inside their picture, 0 to 1; 0 for polygons without area.

    Args:
      points: x and y in pixels of a picture that spans 0 to its width and height.
      sizes: height and width of each picture.
    """
    points = jnp.asarray(points, jnp.float32)
    inside, ends = points, jnp.asarray(sizes, jnp.float32)[:, None, None, ::-1]  # B 1 1 2: width and height
    for axis in (0, 1):
        for border, clip in ((jnp.zeros_like(ends[..., axis]), jnp.maximum), (ends[..., axis], jnp.minimum)):
            inside = _with_crossings(inside, border, axis)
            inside = inside.at[..., axis].set(clip(inside[..., axis], border))
    whole = area(points)
    return jnp.where(whole > 0, area(inside) / jnp.where(whole > 0, whole, 1.0), 0.0)


def _with_crossings(
    points: Float[Array, "B N V 2"], border: Float[Array, "B 1 1"], axis: int
) -> Float[Array, "B N W 2"]:
    """Polygons with another point on each side: where it crosses the border, or at one of its ends.

    Points beyond the border can then be moved onto it: the outline of the part inside stays, and what was outside
    becomes a line without area.
    """
    after = jnp.roll(points, -1, axis=-2)
    steps = after - points
    along = steps[..., axis]
    part = jnp.clip((border - points[..., axis]) / jnp.where(along == 0, 1.0, along), 0.0, 1.0)
    crossings = points + part[..., None] * steps
    return jnp.stack([points, crossings], axis=-2).reshape(*points.shape[:-2], -1, 2)
