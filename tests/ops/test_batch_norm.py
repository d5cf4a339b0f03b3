"""Values, statistics and gradients are those of flax's masked batch normalisation."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.ops.batch_norm import BatchNorm

FLAX = nn.BatchNorm(momentum=0.9)


def problem(live_columns: int):
    """Pictures, their live columns (1 for whole rows), and parameters that are not the initial ones."""
    random = np.random.default_rng(0)
    x = (random.normal(size=(4, 3, 5, 6)) * random.uniform(0.5, 3, 6) + random.normal(size=6)).astype(np.float32)
    live = random.random((4, live_columns)) < 0.6
    live[0] = True
    params = {"scale": random.normal(size=6).astype(np.float32), "bias": random.normal(size=6).astype(np.float32)}
    statistics = {"mean": random.normal(size=6).astype(np.float32), "var": random.uniform(1, 2, 6).astype(np.float32)}
    return x, live, {"params": params, "batch_stats": statistics}


def through(apply, variables, x):
    """Output, new statistics and gradients of a scalar."""

    def scalar(params, x):
        y, changed = apply({**variables, "params": params}, x)
        return jnp.sum(jnp.sin(y)), (y, changed["batch_stats"])

    (_, (y, statistics)), gradients = jax.jit(jax.value_and_grad(scalar, (0, 1), has_aux=True))(variables["params"], x)
    return y, statistics, gradients


@pytest.mark.parametrize("live_columns", [1, 5])
def test_training_equals_flax(live_columns):
    x, live, variables = problem(live_columns)
    mine = through(lambda v, x: BatchNorm().apply(v, x, live, train=True, mutable=["batch_stats"]), variables, x)
    mask = live[:, None, :, None]
    flax = through(
        lambda v, x: FLAX.apply(v, x, use_running_average=False, mask=mask, mutable=["batch_stats"]), variables, x
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4), mine, flax)


def test_reading_equals_flax():
    x, live, variables = problem(5)
    mine, expected = jax.jit(
        lambda v, x: (BatchNorm().apply(v, x, live, train=False), FLAX.apply(v, x, use_running_average=True))
    )(variables, x)
    np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-6)


def test_initial_variables_are_those_of_flax():
    x, live, _ = problem(5)
    mine, flax = jax.jit(
        lambda key: (BatchNorm().init(key, x, live, train=True), FLAX.init(key, x, use_running_average=False))
    )(jax.random.key(0))
    assert jax.tree.structure(mine) == jax.tree.structure(flax)
    jax.tree.map(np.testing.assert_array_equal, mine, flax)


@pytest.mark.parametrize("train", [True, False])
def test_a_bias_handed_over_is_as_good_as_one_added(train):
    x, live, variables = problem(5)
    before = np.linspace(-2, 3, 6).astype(np.float32)

    def of(apply):
        def scalar(params, x, before):
            y, changed = apply({**variables, "params": params}, x, before)
            return jnp.sum(jnp.sin(jnp.where(live[:, None, :, None], y, 0))), (y, changed["batch_stats"])

        return jax.jit(jax.value_and_grad(scalar, (0, 1, 2), has_aux=True))(variables["params"], x, before)

    normalize, options = BatchNorm().apply, {"train": train, "mutable": ["batch_stats"]}
    (_, values), (params, for_x, for_bias) = of(lambda v, x, before: normalize(v, x, live, before, **options))
    (_, expected), expected_gradients = of(lambda v, x, before: normalize(v, x + before, live, **options))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), values, expected)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), (params, for_x), expected_gradients[:2]
    )
    np.testing.assert_allclose(for_bias, expected_gradients[2], atol=1e-4)
    assert not train or not np.any(for_bias), "exactly zero"


def test_padding_moves_nothing_whatever_it_holds():
    x, live, variables = problem(5)
    broken = np.where(live[:, None, :, None], x, np.nan)
    train = jax.jit(lambda v, x: BatchNorm().apply(v, x, live, train=True, mutable=["batch_stats"])[1])
    clean, other = train(variables, x), train(variables, broken)
    jax.tree.map(np.testing.assert_array_equal, clean, other)


def test_a_batch_without_samples_is_finite():
    x, live, variables = problem(1)
    result = through(
        lambda v, x: BatchNorm().apply(v, x, np.zeros_like(live), train=True, mutable=["batch_stats"]), variables, x
    )
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(result))


def test_half_precision_keeps_float32_statistics():
    x, live, variables = problem(1)
    half = x.astype(jnp.bfloat16)
    train = {"train": True, "mutable": ["batch_stats"]}
    (y, changed), (exact, expected) = jax.jit(
        lambda v, x: (
            BatchNorm(jnp.bfloat16).apply(v, x, live, **train),
            BatchNorm().apply(v, x.astype(np.float32), live, **train),
        )
    )(variables, half)
    assert y.dtype == jnp.bfloat16
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), changed, expected)
    np.testing.assert_allclose(np.asarray(y, np.float32), exact, rtol=1e-2, atol=1e-2)
