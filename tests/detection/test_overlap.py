"""Overlap of boxes against counted pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.detection.overlap import areas, intersection_over_union

RNG = np.random.default_rng(0)
iou = jax.jit(intersection_over_union)


def boxes(count: int) -> np.ndarray:
    corners = RNG.integers(0, 12, (count, 2, 2))
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=-1).astype(np.float32)


def pixels(box: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:12, :12] + 0.5
    return (x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])


def test_overlap_is_that_of_the_pixels_inside():
    one, other = boxes(200), boxes(200)
    for found, a, b in zip(np.asarray(iou(one, other)), map(pixels, one), map(pixels, other), strict=True):
        assert found == pytest.approx((a & b).sum() / max((a | b).sum(), 1), abs=1e-6)


def test_areas_of_inverted_boxes_are_zero():
    np.testing.assert_array_equal(areas(jnp.array([[0, 0, 3, 2], [3, 0, 0, 2], [0, 2, 3, 0]], jnp.float32)), [6, 0, 0])
