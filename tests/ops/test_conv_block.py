"""The bare convolution is Flax's layer without its bias, and the whole one Flax's layers in a row."""

from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.ops.conv_block import BareConv, ConvBlock

X = jax.random.normal(jax.random.key(0), (2, 8, 9, 5))
LIVE = jnp.ones((2, 1), bool)


def moved(variables: Any) -> Any:
    """Variables away from their initial values."""
    return jax.tree.map(lambda leaf: leaf + jax.random.uniform(jax.random.key(leaf.size), leaf.shape), variables)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_bare_convolution_and_its_bias_make_flax_layer(use_bias, dtype):
    he = nn.initializers.he_normal()
    flax = nn.Conv(6, (3, 2), (2, 1), padding="VALID", use_bias=use_bias, dtype=dtype, kernel_init=he)
    bare = BareConv(6, (3, 2), (2, 1), "VALID", use_bias, dtype)
    initial = flax.init(jax.random.key(1), X)
    jax.tree.map(np.testing.assert_array_equal, bare.init(jax.random.key(1), X), initial)
    variables = moved(initial)
    results, bias = cast(tuple[jax.Array, Any], bare.apply(variables, X))
    assert results.dtype == dtype
    expected: Any = flax.apply(variables, X)
    tolerance = 1e-5 if dtype == jnp.float32 else 2e-2
    np.testing.assert_allclose(
        np.asarray(results, np.float32) + bias, np.asarray(expected, np.float32), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_layers_in_a_row_are_those_of_flax(batch_norm, train):
    mine = ConvBlock(6, batch_norm=batch_norm)
    variables = moved(mine.init(jax.random.key(1), X, LIVE, train=False))
    result, changed = mine.apply(variables, X, LIVE, train=train, mutable=["batch_stats"])
    params = variables["params"]
    expected: Any = nn.Conv(6, (3, 3), padding=1).apply({"params": params["conv"]}, X)
    if batch_norm:
        norm = nn.BatchNorm(momentum=0.9, use_running_average=not train)
        its = {"params": params["norm"], "batch_stats": variables["batch_stats"]["norm"]}
        expected, statistics = norm.apply(its, expected, mutable=["batch_stats"])
        after: Any = changed["batch_stats"]["norm"]
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), after, statistics["batch_stats"]
        )
    np.testing.assert_allclose(result, nn.relu(expected), rtol=1e-4, atol=1e-4)
