"""Dropout is Flax's, with rates that may be arrays."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.dropout import Dropout

X = jax.random.normal(jax.random.key(0), (50, 40))


def dropped(rate, dtype=jnp.float32) -> Any:
    return Dropout(rate).apply({}, X.astype(dtype), train=True, rngs={"dropout": jax.random.key(1)})


@pytest.mark.parametrize("rate", [0, 0.0, 0.3, 0.5])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_computes_what_flax_does(rate, dtype):
    theirs: Any = nn.Dropout(rate, deterministic=False).apply({}, X.astype(dtype), rngs={"dropout": jax.random.key(1)})
    for ours in (dropped(rate, dtype), dropped(jnp.float32(rate), dtype)):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours.astype(jnp.float32), theirs.astype(jnp.float32), rtol=1e-6)


def test_rates_of_several_models_in_one_program():
    rates = jnp.array([0.0, 0.2, 0.7])
    together = jax.jit(jax.vmap(dropped))(rates)
    for row, rate in zip(together, rates.tolist(), strict=True):
        np.testing.assert_allclose(row, dropped(rate), rtol=1e-6)
    np.testing.assert_array_equal(together[0], X)


def test_reading_drops_nothing():
    read: Any = Dropout(0.5).apply({}, X, train=False)
    np.testing.assert_array_equal(read, X)
