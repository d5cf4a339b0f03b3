"""Pooling and its gradients are those of windows in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from recog.ops.pooling import max_pool, mean_pool

CASES = [
    ((2, 2), (2, 2)),
    ((2, 2), (2, 1)),
    ((3, 3), (1, 1)),
    ((3, 3), (1, 2)),
    ((4, 5), (4, 2)),
    ((4, 6), (4, 2)),
    ((2, 1), (3, 1)),
]


SHAPE = (2, 9, 11, 3)


def windows(x, window, strides):
    """B Y X C I J: the elements of every window."""
    return sliding_window_view(x, window, axis=(1, 2))[:, :: strides[0], :: strides[1]]


def spread(shares, shape, strides):
    """B H W C: what every window gives to its elements, B Y X C I J, added up."""
    total = np.zeros(shape)
    rows, columns, (height, width) = *shares.shape[1:3], shares.shape[4:]
    for row, column in np.ndindex(rows, columns):
        top, left = row * strides[0], column * strides[1]
        total[:, top : top + height, left : left + width] += shares[:, row, column].transpose(0, 2, 3, 1)
    return total


def compiled(pool, window, strides):
    """Results, and the gradient of their weighted sum."""

    def run(x, weights):
        y, pull_back = jax.vjp(lambda x: pool(x, window, strides), x)
        return y, *pull_back(weights)

    return jax.jit(run)


@pytest.mark.parametrize(("window", "strides"), CASES)
def test_maxima_and_their_gradients(window, strides):
    """Of equal elements the first of the first row has the gradient."""
    run, random = compiled(max_pool, window, strides), np.random.default_rng(0)
    for x in (random.normal(size=SHAPE), random.integers(0, 3, SHAPE), random.integers(0, 2, SHAPE)):
        x = x.astype(np.float32)
        seen = windows(x, window, strides)
        weights = random.normal(size=seen.shape[:4]).astype(np.float32)
        y, gradient = run(x, weights)
        np.testing.assert_array_equal(y, seen.max((4, 5)))
        first = seen.reshape(*seen.shape[:4], -1).argmax(-1)
        mine = np.arange(np.prod(window)).reshape(window) == first[..., None, None]
        np.testing.assert_allclose(gradient, spread(mine * weights[..., None, None], SHAPE, strides), atol=1e-5)


def test_a_window_of_more_elements_than_a_byte_counts():
    x = np.random.default_rng(0).normal(size=(1, 16, 17, 1)).astype(np.float32)
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(max_pool(x, (16, 17)))))(x)
    np.testing.assert_array_equal(gradient, x == x.max())


@pytest.mark.parametrize(("window", "strides"), CASES)
def test_means_and_their_gradients(window, strides):
    random = np.random.default_rng(0)
    x = random.normal(size=SHAPE).astype(np.float32)
    seen = windows(x.astype(np.float64), window, strides)
    weights = random.normal(size=seen.shape[:4]).astype(np.float32)
    y, gradient = compiled(mean_pool, window, strides)(x, weights)
    np.testing.assert_allclose(y, seen.mean((4, 5)), rtol=1e-5, atol=1e-5)
    shares = np.broadcast_to(weights[..., None, None] / np.prod(window), seen.shape)
    np.testing.assert_allclose(gradient, spread(shares, SHAPE, strides), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("window", "strides"), CASES)
def test_pictures_smaller_than_a_window_have_none(window, strides):
    x = np.ones((2, window[0] - 1, 11, 3), np.float32)
    empty = np.ones((2, 0, (11 - window[1]) // strides[1] + 1, 3), np.float32)

    @jax.jit
    def run(x):
        return [compiled(pool, window, strides)(x, empty) for pool in (max_pool, mean_pool)]

    for y, gradient in run(x):
        assert y.shape == empty.shape
        assert not np.any(gradient)


def test_half_precision_stays_half_precision():
    x = jax.ShapeDtypeStruct((1, 4, 4, 1), jnp.bfloat16)
    for pool in (max_pool, mean_pool):
        results = jax.eval_shape(lambda x, pool=pool: pool(x, (2, 2), (2, 2)), x)
        gradient = jax.eval_shape(compiled(pool, (2, 2), (2, 2)), x, results)[1]
        assert results.dtype == gradient.dtype == jnp.bfloat16
