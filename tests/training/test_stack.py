"""Arrays of several runs held together, and of a single one left as they are."""

import jax.numpy as jnp
import numpy as np
import pytest

from recog.training.stack import Stack

TREES = [{"a": jnp.full((2,), value), "b": jnp.int32(value)} for value in range(3)]


@pytest.mark.parametrize("make", [jnp.asarray, np.asarray])
def test_what_was_stacked_is_taken_out(make):
    stack = Stack(3)
    together = {name: make(leaf) for name, leaf in stack.stack(TREES).items()}
    assert together["a"].shape == (3, 2)
    for place, tree in enumerate(TREES):
        for name, leaf in stack.take(together, place).items():
            np.testing.assert_array_equal(leaf, tree[name])


def test_a_single_run_has_no_axis():
    alone = Stack(1)
    assert alone.stack(TREES[:1]) is TREES[0]
    assert alone.take(TREES[0], 0) is TREES[0]
    assert alone.repeat(TREES[0]) is TREES[0]
    assert alone.over_runs(len, (0,)) is len


def test_functions_go_over_all_runs():
    stack = Stack(3)

    def add(tree, number):
        return tree["b"] + number

    found = stack.over_runs(add, (0, None))(stack.stack(TREES), 10)
    assert found.tolist() == [10, 11, 12]
    assert stack.repeat(jnp.arange(2)).tolist() == [[0, 1]] * 3
