"""The spatial transformer: the identity at first, a sampler that a loop over pixels confirms, gradients everywhere."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.stn import IDENTITY, Localization, SpatialTransformer, STNConfig, transform
from tests.variables import abstract_variables, random_variables

RNG = np.random.default_rng(0)
IMAGES = jnp.asarray(RNG.uniform(-1, 1, (3, 8, 20, 2)), jnp.float32)
CONFIG = STNConfig(width=0.25, dropout=0.0)
THETAS = jnp.array(
    [
        [[0.9, 0.3, -0.2], [-0.4, 1.1, 0.1]],  # turned, sheared and moved, partly beyond the border
        [[0.5, 0.0, 0.25], [0.0, 0.5, -0.25]],  # zoomed in
        [[-1.5, 0.2, 0.0], [0.1, -2.0, 0.3]],  # mirrored and shrunk
    ]
)
warp = jax.jit(transform)


def by_hand(image: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Equations 1, 3 and 5 of the paper, pixel by pixel in float64."""
    height, width, _ = image.shape
    image, theta, out = image.astype("float64"), theta.astype("float64"), np.zeros(image.shape)
    for row in range(height):
        for column in range(width):
            x, y = theta @ [column / (width - 1) * 2 - 1, row / (height - 1) * 2 - 1, 1]
            x = min(max((x + 1) / 2 * (width - 1), 0), width - 1)
            y = min(max((y + 1) / 2 * (height - 1), 0), height - 1)
            for m in range(width):
                for n in range(height):
                    out[row, column] += image[n, m] * max(0, 1 - abs(x - m)) * max(0, 1 - abs(y - n))
    return out


def smooth(height: int, width: int) -> Any:
    y, x = np.mgrid[:height, :width]
    return (np.sin(x / 9 + 0.3) * np.cos(y / 7)).astype(np.float32)[None, :, :, None]


@pytest.fixture(scope="module")
def trained():
    """Variables of a transformer that no longer is the identity."""
    variables = random_variables(SpatialTransformer(CONFIG), IMAGES, train=False)
    theta = variables["params"]["localization"]["theta"]
    theta["kernel"] *= 0.3
    theta["bias"] = np.array(IDENTITY, np.float32) + 0.5 * theta["bias"]
    return variables


@jax.jit
@functools.partial(jax.grad, argnums=(0, 1))
def gradients(variables, images):
    """Of a sum of squares."""
    straight: Any = SpatialTransformer(CONFIG).apply(variables, images, train=False)
    return jnp.sum(jnp.square(straight))


@pytest.mark.parametrize(("dtype", "train"), [(jnp.float32, False), (jnp.bfloat16, True)])
def test_an_untrained_transformer_changes_nothing(dtype, train):
    model = SpatialTransformer(STNConfig(width=0.25), dtype)

    @jax.jit
    def initialize_and_apply(key, images):
        variables = model.init(key, images, train=False)
        return variables, model.apply(variables, images, train=train, rngs={"dropout": key} if train else None)

    variables, out = initialize_and_apply(jax.random.key(0), IMAGES)
    assert np.any(variables["params"]["localization"]["hidden"]["kernel"])
    assert out.dtype == jnp.float32
    np.testing.assert_allclose(out, IMAGES, atol=1e-6)


def test_warps_are_those_of_a_loop_over_pixels():
    warped = warp(IMAGES, THETAS)
    for image, theta, out in zip(np.asarray(IMAGES), np.asarray(THETAS), warped, strict=True):
        np.testing.assert_allclose(out, by_hand(image, theta), atol=1e-5)


def test_warps_are_those_of_torch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    channels_first = torch.from_numpy(np.array(IMAGES.transpose(0, 3, 1, 2)))
    grid = functional.affine_grid(torch.from_numpy(np.array(THETAS)), list(channels_first.shape), align_corners=True)
    reference = functional.grid_sample(channels_first, grid, padding_mode="border", align_corners=True)
    np.testing.assert_allclose(warp(IMAGES, THETAS), reference.numpy().transpose(0, 2, 3, 1), atol=1e-5)


def test_a_shift_by_one_column_is_two_steps_of_the_normalised_coordinate():
    thetas = jnp.array([[[1, 0, 2 / 19], [0, 1, 0]]] * 3, jnp.float32)
    np.testing.assert_allclose(warp(IMAGES, thetas)[:, :, :-1], IMAGES[:, :, 1:], atol=1e-5)


def test_a_bfloat16_theta_or_picture_is_warped_in_float32():
    images, thetas = IMAGES.astype(jnp.bfloat16), THETAS.astype(jnp.bfloat16)
    np.testing.assert_array_equal(warp(images, thetas), warp(jnp.float32(images), jnp.float32(thetas)))


def test_the_gradient_of_theta_is_that_of_finite_differences():
    picture, theta = smooth(40, 60), np.array([[[0.61, 0.13, 0.04], [-0.09, 0.57, -0.03]]], np.float32)
    weights = smooth(40, 60) + 0.5

    @jax.jit
    @jax.value_and_grad
    def score(theta):
        return (transform(picture, theta) * weights).mean()

    _, gradient = score(theta)
    step = 1e-2
    for i, j in np.ndindex(2, 3):
        change = np.zeros_like(theta)
        change[0, i, j] = step
        difference = (score(theta + change)[0] - score(theta - change)[0]) / (2 * step)
        np.testing.assert_allclose(gradient[0, i, j], difference, rtol=0.02, atol=1e-4)


def test_gradients_reach_every_parameter_and_the_picture(trained):
    for path, gradient in jax.tree.leaves_with_path(gradients(trained, IMAGES)):
        assert np.isfinite(gradient).all(), path
        assert np.abs(gradient).max() > 0, path


def test_the_first_step_of_training_moves_theta(trained):
    theta = {"kernel": np.zeros((16, 6), np.float32), "bias": np.array(IDENTITY, np.float32)}  # as it is initialised
    for_variables, _ = gradients(
        {"params": {"localization": {**trained["params"]["localization"], "theta": theta}}}, IMAGES
    )
    for leaf in jax.tree.leaves(for_variables["params"]["localization"]["theta"]):
        assert np.abs(leaf).max() > 0


def test_dropout_moves_theta_while_training_only(trained):
    model = Localization(STNConfig(width=CONFIG.width, dropout=0.5))
    variables = {"params": trained["params"]["localization"]}
    train = jax.jit(functools.partial(model.apply, train=True))
    first, second = (train(variables, IMAGES, rngs={"dropout": jax.random.key(seed)}) for seed in (0, 1))
    assert not np.allclose(first, second)
    jax.eval_shape(functools.partial(model.apply, train=False), variables, IMAGES)  # needs no randomness


def test_parameters_of_the_patents_localisation_network():
    images = jnp.zeros((1, 32, 220, 1))
    variables = abstract_variables(SpatialTransformer(STNConfig()), images, train=False)
    convolutions = (9 * 1 * 8 + 8) + (9 * 8 * 16 + 16) + (9 * 16 * 32 + 32)
    connected = (16 * 110 * 32 * 64 + 64) + (64 * 6 + 6)
    leaves = jax.tree.leaves(variables["params"])
    assert sum(x.size for x in leaves) == convolutions + connected
    assert all(x.dtype == jnp.float32 for x in leaves)
