"""Decoded tokens: compared with labels token for token."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.ctc import best_path
from recog.decoded import Decoded


@pytest.mark.parametrize(
    ("ids", "label", "right"),
    [
        ([1, 1, 0, 2], [1, 2], True),
        ([1, 0, 1, 2], [1, 2], False),  # a token too many
        ([1, 0, 0, 0], [1, 2], False),  # one too few
        ([1, 0, 3, 0], [1, 2], False),  # a wrong one
        ([0, 0, 0, 0], [], True),
        ([1, 2, 3, 4], [1, 2, 3, 4], True),
    ],
)
def test_equals_compares_token_for_token(ids, label, right):
    read = best_path(100 * jax.nn.one_hot(jnp.array([ids]), 5), jnp.array([4]))
    for slots in (len(label), len(label) + 3, 9):
        labels = np.full((1, slots), 4, np.int32)  # what stands beyond the label does not matter
        labels[0, : len(label)] = label
        assert bool(read.equals(jnp.asarray(labels), jnp.array([len(label)]))[0]) is right


def test_equals_with_fewer_frames_than_slots():
    read = Decoded(jnp.array([[2]]), jnp.array([1]), jnp.ones((1, 1)), jnp.zeros((1, 1), int), jnp.zeros(1))
    assert bool(read.equals(jnp.array([[2, 0, 0]]), jnp.array([1]))[0])
