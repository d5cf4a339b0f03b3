"""Affine and projective maps and bilinear sampling, shared by augmentation and spatial transformers."""

import jax.numpy as jnp
from jaxtyping import Array, Float

HORIZON = 1e-3
"""Minimum third coordinate of a projected point; it bounds points near the horizon, where the quotient diverges."""


def affine_points(matrices: Float[Array, "B 2 3"], height: int, width: int) -> Float[Array, "B H W 2"]:
    """Sampling points in the input for each output pixel: ``matrix @ (x, y, 1)`` in pixels, pixel centres at integers.

    Args:
      matrices: affine maps from output to input coordinates.
      height: rows of the output.
      width: columns of the output.
    """
    x = jnp.arange(width, dtype=jnp.float32)[None, None, :, None]
    y = jnp.arange(height, dtype=jnp.float32)[None, :, None, None]
    m = matrices[:, None, None]  # B 1 1 2 3
    return m[..., 0] * x + m[..., 1] * y + m[..., 2]


def projective_points(matrices: Float[Array, "B 3 3"], height: int, width: int) -> Float[Array, "B H W 2"]:
    """Sampling points in the input for each output pixel: ``matrix @ (x, y, 1)`` over its third coordinate, in pixels.

    The third coordinate is at least `HORIZON`, so that points at or behind the horizon are far away but finite.

    Args:
      matrices: homographies from output to input coordinates.
      height: rows of the output.
      width: columns of the output.
    """
    x = jnp.arange(width, dtype=jnp.float32)[None, None, :, None]
    y = jnp.arange(height, dtype=jnp.float32)[None, :, None, None]
    m = matrices[:, None, None]  # B 1 1 3 3
    projected = m[..., 0] * x + m[..., 1] * y + m[..., 2]
    return projected[..., :2] / jnp.maximum(projected[..., 2:], HORIZON)


def move_points(maps: Float[Array, "B 3 3"], points: Float[Array, "B N 2"]) -> Float[Array, "B N 2"]:
    """Points where homographies put them; written out, because a matrix product may round to TF32 or bfloat16.

    Args:
      maps: of each picture, for (x, y, 1) as a column.
      points: x and y in pixels.
    """
    x, y = points[..., 0, None], points[..., 1, None]
    m = maps[:, None]  # B 1 3 3
    moved = m[..., 0] * x + m[..., 1] * y + m[..., 2]
    return moved[..., :2] / moved[..., 2:]


def inverse_maps(maps: Float[Array, "B 3 3"]) -> Float[Array, "B 3 3"]:
    """Homographies that undo these, up to their scale, which homographies do not depend on: the adjugates."""
    first, second, third = maps[:, 0], maps[:, 1], maps[:, 2]
    columns = jnp.cross(second, third), jnp.cross(third, first), jnp.cross(first, second)
    return jnp.stack(columns, axis=-1)


def perspective_matrices(
    shifts: Float[Array, "B 4 2"], widths: Float[Array, " B"], heights: Float[Array, " B"]
) -> Float[Array, "B 3 3"]:
    """Homographies, in pixels, that map each picture's corners to their shifted positions.

    Closed form for a square and a quadrilateral (Heckbert 1989, "Fundamentals of Texture Mapping and Image Warping",
    section 2.2.3), with corners at the outer edges of the border pixels: at -0.5 and at ``width - 0.5``.

    Args:
      shifts: pixels by which the top left, top right, bottom right and bottom left corners move, x before y. The
        shifted corners must form a convex quadrilateral.
      widths: columns of each picture, above zero.
      heights: rows of each picture, above zero.
    """
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = (shifts[:, corner].T for corner in range(4))
    # The sides that meet at the third corner, and the deviation from a parallelogram.
    right, bottom = (bx - cx, by - cy - heights), (dx - cx - widths, dy - cy)
    odd = (ax - bx + cx - dx, ay - by + cy - dy)
    area = right[0] * bottom[1] - bottom[0] * right[1]
    g = (odd[0] * bottom[1] - bottom[0] * odd[1]) / area
    h = (right[0] * odd[1] - odd[0] * right[1]) / area
    left, top = ax - 0.5, ay - 0.5
    wide = widths + bx - 0.5, by - 0.5
    high = dx - 0.5, heights + dy - 0.5
    one = jnp.ones_like(g)
    rows = [
        (wide[0] - left + g * wide[0], high[0] - left + h * high[0], left),
        (wide[1] - top + g * wide[1], high[1] - top + h * high[1], top),
        (g, h, one),
    ]
    # From pixels to the unit square first; written out, because a matrix product may round to TF32 or bfloat16.
    return jnp.stack(
        [jnp.stack([u / widths, v / heights, 0.5 * (u / widths + v / heights) + w], axis=-1) for u, v, w in rows],
        axis=1,
    )


def bilinear_sample(images: Float[Array, "B H W C"], points: Float[Array, "B Y X 2"]) -> Float[Array, "B Y X C"]:
    """Samples each image at ``(x, y)`` points in pixels; points outside take the nearest border pixel.

    Differentiable in both arguments (Jaderberg et al. 2015, equation 5).
    """
    images = jnp.asarray(images)  # NumPy cannot be indexed by traced points
    height, width = images.shape[1:3]
    x = jnp.clip(points[..., 0], 0, width - 1)
    y = jnp.clip(points[..., 1], 0, height - 1)
    left, top = jnp.floor(x).astype(jnp.int32), jnp.floor(y).astype(jnp.int32)
    right, bottom = jnp.minimum(left + 1, width - 1), jnp.minimum(top + 1, height - 1)
    across, down = (x - left)[..., None], (y - top)[..., None]
    row = jnp.arange(images.shape[0])[:, None, None]
    upper = images[row, top, left] * (1 - across) + images[row, top, right] * across
    lower = images[row, bottom, left] * (1 - across) + images[row, bottom, right] * across
    return upper * (1 - down) + lower * down
