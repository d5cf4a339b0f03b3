"""Affine and projective grids and bilinear sampling against OpenCV and finite differences."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.geometry import affine_points, bilinear_sample, perspective_matrices, projective_points

sample = jax.jit(bilinear_sample)
perspective = jax.jit(perspective_matrices)
project = jax.jit(projective_points, static_argnums=(1, 2))
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (3, 12, 20, 2)).astype(np.float32)
IDENTITY = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
QUARTER_TURN = np.array([[0, -1, 11], [1, 0, 0]], np.float32)


def remap(images: np.ndarray, points: np.ndarray) -> np.ndarray:
    """OpenCV's bilinear sampling; it rounds points to 1/32 pixel."""
    return np.stack(
        [
            cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for image, x, y in zip(images, points[..., 0], points[..., 1], strict=True)
        ]
    )


def test_the_identity_looks_at_each_pixel_itself():
    points = np.asarray(affine_points(jnp.asarray(IDENTITY[None]), 12, 20))
    y, x = np.mgrid[:12, :20]
    np.testing.assert_array_equal(points[0], np.stack([x, y], axis=-1))
    sampled = sample(IMAGES, np.repeat(points, 3, axis=0))
    np.testing.assert_array_equal(sampled, IMAGES)


def test_points_are_the_matrix_times_x_y_1():
    matrices = RNG.normal(size=(3, 2, 3)).astype(np.float32)
    points = np.asarray(affine_points(jnp.asarray(matrices), 4, 5))
    for b, y, x in np.ndindex(3, 4, 5):
        np.testing.assert_allclose(points[b, y, x], matrices[b] @ [x, y, 1], rtol=1e-5, atol=1e-5)


def test_a_quarter_turn_is_exact():
    square = IMAGES[:1, :, :12]
    points = affine_points(jnp.asarray(QUARTER_TURN[None]), 12, 12)
    np.testing.assert_array_equal(sample(square, points)[0], np.rot90(square[0], 1))


@pytest.mark.parametrize("shape", [(12, 20), (5, 9), (1, 1)])
def test_samples_are_those_of_opencv_inside_and_outside(shape):
    points = (RNG.integers(-5 * 32, 25 * 32, (3, *shape, 2)) / 32).astype(np.float32)
    sampled = sample(IMAGES, points)
    assert sampled.shape == (3, *shape, 2)
    np.testing.assert_allclose(sampled, remap(IMAGES, points), rtol=1e-5, atol=1e-3)


def test_a_warp_is_that_of_opencv():
    turn = cv2.getRotationMatrix2D((9.5, 5.5), 20, 1.2).astype(np.float32)
    warped = cv2.warpAffine(
        IMAGES[0], turn, (20, 12), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    ours = sample(IMAGES[:1], affine_points(jnp.asarray(turn[None]), 12, 20))[0]
    np.testing.assert_allclose(ours, warped, atol=255 * 2 / 32)  # OpenCV rounds points to 1/32 pixel on each axis


WIDTHS = np.array([20, 300, 3, 1], np.float32)
SHIFTS = RNG.uniform(-0.24, 0.24, (4, 4, 2)).astype(np.float32) * np.minimum(WIDTHS, 12)[:, None, None]


def square(width: float, height: float) -> np.ndarray:
    """Corners at the outer edges of the border pixels."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5


def test_perspective_matrices_are_those_of_opencv():
    matrices = perspective(jnp.asarray(SHIFTS), jnp.asarray(WIDTHS), 12)
    for matrix, shift, width in zip(np.asarray(matrices), SHIFTS, WIDTHS, strict=True):
        own = square(width, 12)
        theirs = cv2.getPerspectiveTransform(own.astype(np.float32), (own + shift).astype(np.float32))
        np.testing.assert_allclose(matrix / matrix[2, 2], theirs, rtol=2e-3, atol=1e-4)
        np.testing.assert_allclose(cv2.perspectiveTransform(own[None], matrix)[0], own + shift, atol=1e-3)


def test_corners_that_stay_are_the_identity():
    matrix = np.asarray(perspective(jnp.zeros((1, 4, 2)), jnp.array([20.0]), 12))[0]
    np.testing.assert_allclose(matrix, np.eye(3), atol=1e-6)


def test_projected_points_are_the_matrix_times_x_y_1_divided():
    matrices = RNG.normal(size=(3, 3, 3))
    matrices[:, 2] = RNG.uniform([0.01, 0.01, 1], [0.1, 0.1, 2], (3, 3))
    points = np.asarray(project(jnp.asarray(matrices, jnp.float32), 4, 5))
    for b, y, x in np.ndindex(3, 4, 5):
        seen = matrices[b] @ [x, y, 1]
        np.testing.assert_allclose(points[b, y, x], seen[:2] / seen[2], rtol=1e-4, atol=1e-5)


def test_points_beyond_the_horizon_are_far_away_and_finite():
    matrix = jnp.array([[[1.0, 0, 0], [0, 1, 0], [-0.1, 0, 1]]])
    points = np.asarray(project(matrix, 1, 20))
    assert np.isfinite(points).all()
    assert (points[0, 0, 11:, 0] > 1000).all()


def test_a_projective_warp_is_that_of_opencv():
    smooth = np.stack([cv2.GaussianBlur(image, (0, 0), 2) for image in IMAGES[:1]])
    matrices = perspective(jnp.asarray(SHIFTS[:1]), jnp.asarray(WIDTHS[:1]), 12)
    warped = cv2.warpPerspective(
        smooth[0],
        np.asarray(matrices[0]),
        (20, 12),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    ours = sample(smooth, project(matrices, 12, 20))[0]
    np.testing.assert_allclose(ours, warped, atol=2)


@pytest.mark.parametrize("height", [1, 2])
@pytest.mark.parametrize("width", [1, 2])
def test_the_smallest_images_are_sampled(height, width):
    images = IMAGES[:, :height, :width]
    points = (RNG.integers(-64, 96, (3, 4, 4, 2)) / 32).astype(np.float32)
    np.testing.assert_allclose(sample(images, points), remap(images, points), rtol=1e-5, atol=1e-3)


def test_gradients_are_finite_differences():
    images = RNG.normal(size=(2, 5, 6, 1)).astype(np.float32)
    weights = RNG.normal(size=(2, 3, 4, 1)).astype(np.float32)
    step = 0.125
    # Far enough from whole pixels that a step crosses none: between them the samples are linear along each axis.
    points = np.stack([RNG.integers(0, n, (2, 3, 4)) for n in (5, 4)], axis=-1) + RNG.uniform(0.2, 0.8, (2, 3, 4, 2))
    points = points.astype(np.float32)

    @jax.jit
    def total(images, points):
        return jnp.sum(bilinear_sample(images, points) * weights)

    for argument, gradient in enumerate(jax.grad(total, argnums=(0, 1))(images, points)):
        for place in np.ndindex(gradient.shape):
            ends = []
            for change in (step, -step):
                arguments = [images.copy(), points.copy()]
                arguments[argument][place] += change
                ends.append(float(total(*arguments)))
            np.testing.assert_allclose(gradient[place], (ends[0] - ends[1]) / (2 * step), atol=1e-4, err_msg=str(place))


def test_points_outside_have_no_gradient():
    points = jnp.array([[[[-3.0, 2.5], [40.0, 2.5]], [[4.5, -2.0], [4.5, 30.0]]]])
    gradient = jax.grad(lambda points: jnp.sum(sample(IMAGES[:1], points)))(points)
    assert gradient[0, 0, :, 0].tolist() == gradient[0, 1, :, 1].tolist() == [0, 0]
    assert np.isfinite(gradient).all()
