"""Shares of quadrilaterals inside a picture, against OpenCV's intersection of convex polygons."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from recog.polygons import area, share_inside

HEIGHT, WIDTH = 60, 80


def test_shares_are_those_of_opencv():
    random = np.random.default_rng(0)
    boxes = [
        cv2.boxPoints((tuple(random.uniform(-20, 100, 2)), tuple(random.uniform(2, 200, 2)), random.uniform(0, 360)))
        for _ in range(200)
    ]
    points = np.stack(boxes).reshape(2, 100, 4, 2)
    points[1] = points[1, :, ::-1]  # anticlockwise
    found = jax.jit(share_inside)(points, np.array([[HEIGHT, WIDTH]] * 2))
    picture = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)
    expected = [cv2.intersectConvexConvex(box, picture)[0] / cv2.contourArea(box) for box in boxes]
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-3)
    assert sum(0.1 < share < 0.9 for share in expected) > 50
    assert min(expected) == 0
    np.testing.assert_allclose(area(jnp.asarray(points)).ravel(), [cv2.contourArea(box) for box in boxes], rtol=1e-4)


def test_each_picture_has_its_own_size():
    square = np.array([[[[0, 0], [40, 0], [40, 40], [0, 40]]]] * 3, np.float32)
    found = share_inside(jnp.asarray(square), jnp.array([[40, 40], [20, 40], [20, 10]]))
    np.testing.assert_allclose(found[:, 0], [1, 1 / 2, 1 / 8])


def test_nothing_is_inside_of_what_has_no_area():
    np.testing.assert_array_equal(share_inside(jnp.full((1, 1, 4, 2), 5.0), jnp.array([[HEIGHT, WIDTH]])), 0)
