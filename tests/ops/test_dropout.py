"""Dropout keeps its share of the elements, each by a chance of its own, and the mean."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from recog.ops.dropout import Dropout

X = jax.random.normal(jax.random.key(0), (50, 41))
MANY = (2000, 30)


def dropped(rate, x=X, seed=1) -> Any:
    return Dropout(rate).apply({}, x, train=True, rngs={"dropout": jax.random.key(seed)})


@pytest.mark.parametrize("rate", [0, 0.0, 0.3, 0.5])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_elements_are_zero_or_scaled_up(rate, dtype):
    x = X.astype(dtype)
    for result in (dropped(rate, x), dropped(jnp.float32(rate), x)):
        assert result.dtype == dtype
        scaled = np.asarray(x / jnp.asarray(1 - rate, dtype), np.float32)
        result = np.asarray(result, np.float32)
        tolerance = 1e-4 if dtype == jnp.float32 else 1e-2
        np.testing.assert_allclose(result, np.where(result == 0, 0, scaled), rtol=tolerance)
    np.testing.assert_array_equal(dropped(rate, x), dropped(jnp.float32(rate), x))


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.5, 0.9])
def test_the_share_that_is_dropped(rate):
    zeros = np.asarray(dropped(rate, jnp.ones(MANY)) == 0)
    assert stats.binomtest(int(zeros.sum()), zeros.size, rate).pvalue > 1e-4
    by_channel = [stats.binomtest(int(column.sum()), len(column), rate).pvalue for column in zeros.T]
    assert min(by_channel) > 1e-4 / MANY[1]


def test_elements_are_dropped_apart_from_each_other():
    """All pairs of channels: those that share a random number too."""
    zeros = np.asarray(dropped(0.5, jnp.ones(MANY)) == 0, float)
    correlations = np.corrcoef(zeros.T)[np.triu_indices(MANY[1], 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(MANY[0])
    other = np.asarray(dropped(0.5, jnp.ones(MANY), seed=2) == 0, float)
    assert abs(np.corrcoef(zeros.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(zeros.size)


def test_the_mean_stays():
    mean = float(jnp.mean(dropped(0.3, jnp.ones(MANY))))
    assert abs(mean - 1) < 5 * np.sqrt(0.3 / 0.7 / np.prod(MANY))


def test_rates_of_several_models_in_one_program():
    rates = jnp.array([0.0, 0.2, 0.7])
    together = jax.jit(jax.vmap(dropped))(rates)
    for row, rate in zip(together, rates.tolist(), strict=True):
        np.testing.assert_allclose(row, dropped(rate), rtol=1e-6)
    np.testing.assert_array_equal(together[0], X)


def test_with_64_bit_types_on():
    with jax.enable_x64(True):
        zeros = np.asarray(dropped(0.5, jnp.ones(MANY)) == 0)
    assert all(0.45 < half.mean() < 0.55 for half in np.split(zeros, 2, axis=1))


def test_a_rate_of_almost_one_has_finite_gradients():
    gradient = jax.grad(lambda x: jnp.sum(dropped(0.999999, x)))(X)
    assert np.all(np.isfinite(gradient))


def test_reading_drops_nothing():
    read: Any = Dropout(0.5).apply({}, X, train=False)
    np.testing.assert_array_equal(read, X)
