"""Pictures as a spatial transformer rectifies them."""

import numpy as np
from jaxtyping import Float, Float32, UInt8


def rectified_picture(picture: Float[np.ndarray, "H W C"]) -> UInt8[np.ndarray, "H W C"]:
    """Converts a picture in -1..1 to pixels."""
    return np.clip(np.rint((np.nan_to_num(picture) + 1) * 127.5), 0, 255).astype(np.uint8)


def corners_of(matrix: Float[np.ndarray, "2 3"], shape: tuple[int, int]) -> Float32[np.ndarray, "4 2"]:
    """Corners of the rectified picture in the picture: top left, top right, bottom right, bottom left.

    Args:
      matrix: affine map from pixels of the rectified picture to those of the picture.
      shape: height and width of both.
    """
    height, width = shape
    x, y = np.array([0, width, width, 0]) - 0.5, np.array([0, 0, height, height]) - 0.5
    return (np.stack([x, y, np.ones(4)], axis=1) @ np.asarray(matrix, np.float64).T).astype(np.float32)
