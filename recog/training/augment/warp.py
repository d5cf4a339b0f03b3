"""Random affine and projective maps of each picture, within its own columns."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.geometry import affine_points, bilinear_sample, inverse_maps, perspective_matrices, projective_points
from recog.training.augment.config import AugmentConfig
from recog.training.augment.draws import draw, draw_factor


def move(
    config: AugmentConfig, key: jax.Array, images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"]
) -> tuple[Float[Array, "B H W C"], Float[Array, "B 3 3"]]:
    """Warps each picture by its own random map; points outside a picture take its nearest border pixel.

    Returns:
      The pictures, and the homographies from pixels before to pixels after.
    """
    height, width = images.shape[1:3]
    affine_key, perspective_key = jax.random.split(key)
    matrices = random_matrices(config, affine_key, sizes)
    if config.perspective:
        perspective = random_perspective(config.perspective, perspective_key, sizes)
        whole = _after(matrices, perspective)
        points = projective_points(whole, height, width)
    else:
        last = jnp.broadcast_to(jnp.array([0.0, 0.0, 1.0]), (len(matrices), 1, 3))
        whole = jnp.concatenate([matrices, last], axis=1)
        points = affine_points(matrices, height, width)
    inside = jnp.minimum(points, (sizes[:, None, None, ::-1] - 1).astype(points.dtype))  # never sample the padding
    return bilinear_sample(images, inside), inverse_maps(whole)


def random_matrices(config: AugmentConfig, key: jax.Array, sizes: Int[Array, "B 2"]) -> Float[Array, "B 2 3"]:
    """Random affine maps from output to input pixels, about the centre of each picture without padding."""
    batch, heights, widths = sizes.shape[0], sizes[:, 0], sizes[:, 1]
    keys = jax.random.split(key, 6)
    angle = jnp.deg2rad(draw(keys[0], batch, config.rotation))
    shear = draw(keys[1], batch, config.shear)
    wide, high = (draw_factor(k, batch, config.scale) for k in keys[2:4])
    if config.zoom:
        size = draw_factor(jax.random.fold_in(key, 6), batch, config.zoom)
        wide, high = wide * size, high * size
    right, down = (draw(k, batch, config.translate) * heights for k in keys[4:6])
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    a, b = cos * wide, (shear * cos - sin) * high
    c, d = sin * wide, (shear * sin + cos) * high
    x, y = (widths - 1) / 2, (heights - 1) / 2
    # Written out, because a matrix product would round coordinates to TF32 or bfloat16 on an accelerator.
    rows = [(a, b, x + right - a * x - b * y), (c, d, y + down - c * x - d * y)]
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=1)


def random_perspective(limit: float, key: jax.Array, sizes: Int[Array, "B 2"]) -> Float[Array, "B 3 3"]:
    """Random homographies: each corner shifts independently, up to ``limit`` as a fraction of the shorter side."""
    own = jnp.maximum(sizes, 1).astype(jnp.float32)  # rows without a sample have no corners
    shifts = jax.random.uniform(key, (sizes.shape[0], 4, 2), minval=-limit, maxval=limit)
    return perspective_matrices(shifts * own.min(axis=1)[:, None, None], own[:, 1], own[:, 0])


def _after(affine: Float[Array, "B 2 3"], projective: Float[Array, "B 3 3"]) -> Float[Array, "B 3 3"]:
    """Homography followed by the affine map."""
    upper = jnp.matmul(affine, projective, precision=jax.lax.Precision.HIGHEST)
    return jnp.concatenate([upper, projective[:, 2:]], axis=1)
