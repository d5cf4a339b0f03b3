"""The loop's own gradients against those that JAX derives of the loop."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.ops import recurrent_scan
from recog.ops.recurrent_scan import CELLS, recur

T, B, U = 6, 4, 3
GATES = {"lstm": 4, "gru": 3}


def problem(cell: str, ways: int, dtype=jnp.float32) -> list[Any]:
    """Inputs, recurrent kernels and biases at random, and frames that live: whole, cut, few and no rows."""
    random = np.random.default_rng(0)
    width = GATES[cell] * U
    shapes = (T, ways, B, width), (ways, U, width), (ways, width)
    inputs, recurrent, bias = (random.normal(size=shape).astype(np.float32) for shape in shapes)
    live = np.arange(T)[:, None] < np.array([T, T - 2, 1, 0])
    live = np.stack([live, live[::-1]][:ways], axis=1)
    return [inputs.astype(dtype), recurrent.astype(dtype), bias, live]


def weighted_sum(loop, cell: str, live, *arrays) -> jax.Array:
    hidden = loop(CELLS[cell], *arrays, live)
    return jnp.sum(hidden * np.random.default_rng(1).normal(size=hidden.shape))


@functools.cache
def learn(cell: str):
    """The compiled sum and its gradients."""
    return jax.jit(jax.value_and_grad(functools.partial(weighted_sum, recur, cell), (1, 2, 3)))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("ways", [1, 2])
def test_gradients_equal_jax(cell, ways):
    *arrays, live = problem(cell, ways)
    plain: Any = recurrent_scan._recur
    by_jax = jax.jit(jax.value_and_grad(functools.partial(weighted_sum, plain.fun, cell), (1, 2, 3)))
    ours, theirs = learn(cell)(live, *arrays), by_jax(live, *arrays)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), ours, theirs)
    assert all(np.abs(x).max() > 0.1 for x in ours[1])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gradients_equal_differences(cell):
    """Of both sides of a step along each of some directions."""
    *arrays, live = problem(cell, 2)
    _, gradient = learn(cell)(live, *arrays)
    for seed in range(3):
        random = np.random.default_rng(seed)
        steps = [1e-2 * random.normal(size=x.shape) / np.sqrt(x.size) for x in arrays]
        ahead, behind = (
            learn(cell)(live, *(np.float32(x + sign * step) for x, step in zip(arrays, steps, strict=True)))[0]
            for sign in (1, -1)
        )
        expected = sum(np.vdot(x, step) for x, step in zip(gradient, steps, strict=True))
        np.testing.assert_allclose((ahead - behind) / 2, expected, rtol=2e-2, atol=1e-4)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_bfloat16_keeps_types_and_stays_near(cell):
    *arrays, live = problem(cell, 2)
    *rounded, _ = problem(cell, 2, jnp.bfloat16)
    (_, exact), (_, near) = learn(cell)(live, *arrays), learn(cell)(live, *rounded)
    assert [x.dtype for x in near] == [x.dtype for x in rounded]
    for one, other in zip(exact, near, strict=True):
        np.testing.assert_allclose(one, other.astype(jnp.float32), atol=0.05 * np.abs(one).max())


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_nothing_where_no_sample_lives(cell):
    inputs, recurrent, bias, live = problem(cell, 2)
    hidden = np.asarray(jax.jit(functools.partial(recur, CELLS[cell]))(inputs, recurrent, bias, live))
    np.testing.assert_array_equal((hidden != 0).all(-1), live)
    np.testing.assert_array_equal((hidden != 0).any(-1), live)
    _, (for_inputs, *_) = learn(cell)(live, inputs, recurrent, bias)
    np.testing.assert_array_equal((np.asarray(for_inputs) != 0).any(-1), live)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_several_at_once_equal_one_by_one(cell):
    *arrays, live = problem(cell, 2)
    stacked = [np.stack([x, 0.5 * x]) for x in arrays]
    _, together = jax.jit(jax.vmap(learn(cell), (None, 0, 0, 0)))(live, *stacked)
    for place in range(2):
        _, alone = learn(cell)(live, *(x[place] for x in stacked))
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_allclose(one, other[place], rtol=1e-5, atol=1e-6)
