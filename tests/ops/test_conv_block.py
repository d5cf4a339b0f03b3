"""The bare convolution is Flax's layer without its bias, and the whole one Flax's layers in a row."""

import functools
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.ops.conv_block import BareConv, ConvBlock
from tests.variables import abstract_variables, random_variables

X = np.random.default_rng(0).normal(size=(2, 8, 9, 5)).astype(np.float32)
LIVE = np.ones((2, 1), bool)


def test_a_bare_convolution_starts_as_flax_layer():
    he = nn.initializers.he_normal()
    bare, flax = BareConv(6, (3, 2)), nn.Conv(6, (3, 2), kernel_init=he)
    mine, expected = jax.jit(lambda key: (bare.init(key, X), flax.init(key, X)))(jax.random.key(1))
    jax.tree.map(np.testing.assert_array_equal, mine, expected)
    assert np.any(mine["params"]["kernel"])


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_bare_convolution_and_its_bias_make_flax_layer(use_bias, dtype):
    flax = nn.Conv(6, (3, 2), (2, 1), padding="VALID", use_bias=use_bias, dtype=dtype)
    bare = BareConv(6, (3, 2), (2, 1), "VALID", use_bias, dtype)
    variables = random_variables(flax, X)
    assert jax.tree.structure(variables) == jax.tree.structure(abstract_variables(bare, X))
    both = jax.jit(lambda v, x: (bare.apply(v, x), flax.apply(v, x)))(variables, X)
    (results, bias), expected = cast(tuple[tuple[jax.Array, Any], jax.Array], both)
    assert results.dtype == dtype
    tolerance = 1e-5 if dtype == jnp.float32 else 2e-2
    np.testing.assert_allclose(
        np.asarray(results, np.float32) + bias, np.asarray(expected, np.float32), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_layers_in_a_row_are_those_of_flax(batch_norm, train):
    mine = ConvBlock(6, batch_norm=batch_norm)
    variables = random_variables(mine, X, LIVE, train=False)
    result, changed = jax.jit(functools.partial(mine.apply, train=train, mutable=["batch_stats"]))(variables, X, LIVE)

    @jax.jit
    def in_a_row(variables, images) -> Any:
        params = variables["params"]
        x: Any = nn.Conv(6, (3, 3), padding=1).apply({"params": params["conv"]}, images)
        if not batch_norm:
            return nn.relu(x), {}
        norm = nn.BatchNorm(momentum=0.9, use_running_average=not train)
        its = {"params": params["norm"], "batch_stats": variables["batch_stats"]["norm"]}
        x, statistics = norm.apply(its, x, mutable=["batch_stats"])
        return nn.relu(x), {"batch_stats": {"norm": statistics["batch_stats"]}}

    expected, statistics = in_a_row(variables, X)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), changed, statistics)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
