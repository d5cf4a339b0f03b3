"""Mirror images and stretched crops, compared with NumPy and OpenCV."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from recog.ops.crops import mirror, stretch

SIZES = jnp.array([[20, 30], [20, 17], [9, 30], [0, 0]])
RANDOM = np.random.default_rng(0)


def padded() -> np.ndarray:
    images = np.zeros((4, 20, 30, 3), np.float32)
    for image, (height, width) in zip(images, SIZES.tolist(), strict=True):
        image[:height, :width] = RANDOM.integers(0, 256, (height, width, 3))
    return images


IMAGES = jnp.asarray(padded())


def test_a_mirror_image_is_the_picture_with_its_own_columns_reversed():
    mirrored = np.asarray(mirror(IMAGES, SIZES))
    for ours, theirs, (height, width) in zip(mirrored, np.asarray(IMAGES), SIZES.tolist(), strict=True):
        np.testing.assert_array_equal(ours[:height, :width], theirs[:height, :width][:, ::-1])
        assert not ours[height:].any()
        assert not ours[:, width:].any()
    np.testing.assert_array_equal(mirror(jnp.asarray(mirrored), SIZES), IMAGES)


def test_a_stretched_crop_is_that_of_opencv():
    boxes = np.array([[3, 2, 11, 13], [5, 0, 12, 20], [0, 4, 30, 5], [0, 0, 0, 0]], np.float32)
    stretched = np.asarray(jax.jit(stretch)(IMAGES, SIZES, boxes))
    pictures = np.asarray(IMAGES)
    for ours, theirs, box, (height, width) in zip(stretched, pictures, boxes.astype(int), SIZES.tolist(), strict=True):
        left, top, wide, high = box.tolist()
        if height:
            crop = theirs[top : top + high, left : left + wide]
            resized = cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR)
            np.testing.assert_allclose(ours[:height, :width], resized, atol=0.02)
        assert not ours[height:].any()
        assert not ours[:, width:].any()


def test_the_whole_picture_stays_as_it_is():
    boxes = jnp.concatenate([jnp.zeros((4, 2)), SIZES[:, ::-1]], axis=1)
    np.testing.assert_allclose(stretch(IMAGES, SIZES, boxes), IMAGES, atol=1e-3)
