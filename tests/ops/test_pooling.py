"""Pooling and its gradients are those of JAX's window reductions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

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


def windows(x, initial, combine, window, strides):
    return lax.reduce_window(x, initial, combine, (1, *window, 1), (1, *strides, 1), "VALID")


def value_and_gradient(function, x):
    def scalar(x):
        y = function(x)
        return jnp.sum(jnp.sin(y) * jnp.arange(y.size).reshape(y.shape)), y

    (_, y), gradient = jax.jit(jax.value_and_grad(scalar, has_aux=True))(x)
    return y, gradient


@pytest.mark.parametrize(("window", "strides"), CASES)
@pytest.mark.parametrize("ties", [False, True])
def test_maxima_equal_window_reductions(window, strides, ties):
    random = np.random.default_rng(0)
    x = random.integers(0, 3, (2, 9, 11, 3)) if ties else random.normal(size=(2, 9, 11, 3))
    x = x.astype(np.float32)
    y, gradient = value_and_gradient(lambda x: max_pool(x, window, strides), x)
    expected, theirs = value_and_gradient(lambda x: windows(x, -jnp.inf, lax.max, window, strides), x)
    np.testing.assert_array_equal(y, expected)
    if not ties:  # which of equal elements has the gradient is tested below
        np.testing.assert_allclose(gradient, theirs, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.sum(gradient), np.sum(theirs), rtol=1e-4)


@pytest.mark.parametrize(("window", "strides"), CASES)
def test_of_equal_elements_the_first_of_the_first_row_has_the_gradient(window, strides):
    x = np.random.default_rng(0).integers(0, 2, (1, 9, 11, 1)).astype(np.float32)
    y, pull_back = jax.vjp(lambda x: max_pool(x, window, strides), x)
    weights = np.arange(1.0, y.size + 1, dtype=np.float32).reshape(y.shape)
    expected = np.zeros_like(x)
    for row, column in np.ndindex(*y.shape[1:3]):
        top, left = row * strides[0], column * strides[1]
        seen = x[0, top : top + window[0], left : left + window[1], 0]
        down, right = np.unravel_index(np.argmax(seen), seen.shape)
        expected[0, top + down, left + right, 0] += weights[0, row, column, 0]
    np.testing.assert_array_equal(pull_back(weights)[0], expected)


def test_a_window_of_more_elements_than_a_byte_counts():
    x = np.random.default_rng(0).normal(size=(1, 16, 17, 1)).astype(np.float32)
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(max_pool(x, (16, 17)))))(x)
    np.testing.assert_array_equal(gradient, x == x.max())


@pytest.mark.parametrize(("window", "strides"), CASES)
def test_means_equal_window_reductions(window, strides):
    x = np.random.default_rng(0).normal(size=(2, 9, 11, 3)).astype(np.float32)
    y, gradient = value_and_gradient(lambda x: mean_pool(x, window, strides), x)
    expected, theirs = value_and_gradient(lambda x: windows(x, 0.0, lax.add, window, strides) / np.prod(window), x)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradient, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("window", "strides"), CASES)
def test_pictures_smaller_than_a_window_have_none(window, strides):
    x = jnp.ones((2, window[0] - 1, 11, 3))
    for pool in (max_pool, mean_pool):
        y, pull_back = jax.vjp(lambda x, pool=pool: pool(x, window, strides), x)
        assert y.shape[1] == 0
        assert not np.any(pull_back(y)[0])


def test_half_precision_stays_half_precision():
    x = jnp.ones((1, 4, 4, 1), jnp.bfloat16)
    assert max_pool(x, (2, 2)).dtype == mean_pool(x, (2, 2), (2, 2)).dtype == jnp.bfloat16
    assert jax.grad(lambda x: jnp.sum(max_pool(x, (2, 2)).astype(jnp.float32)))(x).dtype == jnp.bfloat16
