"""Mirror images and stretched crops of pictures, for augmentation and for views at test time."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.ops.masking import mask_padding


def mirror(images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"]) -> Float[Array, "B H W C"]:
    """Mirrors each picture left to right within its own columns; padding stays where it is, and zero.

    Args:
      images: pictures, padded on the right and at the bottom.
      sizes: height and width of each picture without padding.
    """
    columns = jnp.maximum(sizes[:, 1, None] - 1 - jnp.arange(images.shape[2]), 0)
    return mask_padding(jnp.take_along_axis(images, columns[:, None, :, None], axis=2), sizes)


def stretch(
    images: Float[Array, "B H W C"], sizes: Int[Array, "B 2"], boxes: Float[Array, "B 4"]
) -> Float[Array, "B H W C"]:
    """Stretches a box of each picture over the whole picture, bilinearly as ``cv2.resize`` does; padding becomes zero.

    Points beyond the centres of the box's border pixels take these pixels, so that nothing outside a box is seen.

    Args:
      images: pictures, padded on the right and at the bottom.
      sizes: height and width of each picture without padding.
      boxes: left and top edge, width and height of each box in pixels, within its picture.
    """
    heights, widths = sizes[:, 0], sizes[:, 1]
    down = _points(boxes[:, 1], boxes[:, 3], heights, images.shape[1])
    across = _points(boxes[:, 0], boxes[:, 2], widths, images.shape[2])
    return mask_padding(_sample(_sample(images, down, 1), across, 2), sizes)


def _points(
    start: Float[Array, " B"], length: Float[Array, " B"], own: Int[Array, " B"], size: int
) -> Float[Array, "B N"]:
    """Positions in the input, of ``own`` pixels, for ``size`` output pixels along one axis; centres at integers."""
    middles = jnp.arange(size) + 0.5
    points = start[:, None] + middles * (length / jnp.maximum(own, 1))[:, None] - 0.5
    inside = jnp.clip(points, start[:, None], jnp.maximum(start, start + length - 1)[:, None])
    return jnp.clip(inside, 0, jnp.maximum(own - 1, 0)[:, None])


def _sample(images: Float[Array, "B H W C"], points: Float[Array, "B N"], axis: int) -> Float[Array, "B Y X C"]:
    """Interpolates each picture linearly at points along an axis."""
    lower = jnp.floor(points).astype(jnp.int32)
    upper = jnp.minimum(lower + 1, images.shape[axis] - 1)

    def along(x: Array) -> Array:
        return jnp.expand_dims(x, (3 - axis, 3))

    share = along(points - lower)
    low, high = (jnp.take_along_axis(images, along(index), axis) for index in (lower, upper))
    return low * (1 - share) + high * share
