"""The loop's own gradients against those that JAX derives of the loop."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from recog.ops import recurrent_scan
from recog.ops.recurrent_scan import CELLS, recur

T, B, U = 6, 4, 3
GATES = {"lstm": 4, "gru": 3}


def problem(cell: str, ways: int, dtype=jnp.float32) -> list[Any]:
    """Inputs, recurrent kernels and biases at random, and frames that live: whole, cut, few and no rows."""
    random = np.random.default_rng(0)
    width = GATES[cell] * U
    shapes = (T, ways, B, width), (ways, U, width), (ways, width)
    inputs, recurrent, bias = (jnp.asarray(random.normal(size=shape), jnp.float32) for shape in shapes)
    live = np.arange(T)[:, None] < np.array([T, T - 2, 1, 0])
    live = jnp.stack([live, live[::-1]][:ways], axis=1)
    return [inputs.astype(dtype), recurrent.astype(dtype), bias, live]


def weighted_sum(loop, cell: str, live, *arrays) -> jax.Array:
    hidden = loop(CELLS[cell], *arrays, live)
    return jnp.sum(hidden * np.random.default_rng(1).normal(size=hidden.shape))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("ways", [1, 2])
def test_gradients_equal_jax(cell, ways):
    *arrays, live = problem(cell, ways)
    plain: Any = recurrent_scan._recur
    ours, theirs = (
        jax.jit(jax.value_and_grad(functools.partial(weighted_sum, loop, cell, live), (0, 1, 2)))(*arrays)
        for loop in (recur, plain.fun)
    )
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), ours, theirs)
    assert all(np.abs(x).max() > 0.1 for x in ours[1])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gradients_equal_differences(cell):
    *arrays, live = problem(cell, 2)
    check_grads(functools.partial(weighted_sum, recur, cell, live), arrays, 1, ["rev"], atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_bfloat16_keeps_types_and_stays_near(cell):
    *arrays, live = problem(cell, 2)
    *rounded, _ = problem(cell, 2, jnp.bfloat16)
    gradient = jax.jit(jax.grad(functools.partial(weighted_sum, recur, cell, live), (0, 1, 2)))
    exact, near = gradient(*arrays), gradient(*rounded)
    assert [x.dtype for x in near] == [x.dtype for x in rounded]
    for one, other in zip(exact, near, strict=True):
        np.testing.assert_allclose(one, other.astype(jnp.float32), atol=0.05 * np.abs(one).max())


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_nothing_where_no_sample_lives(cell):
    inputs, recurrent, bias, live = problem(cell, 2)
    hidden = np.asarray(recur(CELLS[cell], inputs, recurrent, bias, live))
    np.testing.assert_array_equal((hidden != 0).all(-1), live)
    np.testing.assert_array_equal((hidden != 0).any(-1), live)
    for_inputs = jax.grad(functools.partial(weighted_sum, recur, cell, live))(inputs, recurrent, bias)
    np.testing.assert_array_equal((np.asarray(for_inputs) != 0).any(-1), live)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_several_at_once_equal_one_by_one(cell):
    *arrays, live = problem(cell, 2)
    gradient = jax.grad(functools.partial(weighted_sum, recur, cell, live), (0, 1, 2))
    stacked = [jnp.stack([x, 0.5 * x]) for x in arrays]
    together = jax.vmap(gradient)(*stacked)
    for place in range(2):
        alone = gradient(*(x[place] for x in stacked))
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_allclose(one, other[place], rtol=1e-5, atol=1e-6)
