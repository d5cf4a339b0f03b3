"""The loss of sequences with an end, against optax and float64."""

from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import strategies as st

from recog.tasks.cross_entropy import sequence_cross_entropy

B, L, K = 3, 4, 5
loss = jax.jit(sequence_cross_entropy, static_argnames="end_id")
gradient = jax.jit(jax.grad(lambda *args: jnp.sum(sequence_cross_entropy(*args))), static_argnums=3)


@st.composite
def batches(draw):
    """Logits, labels padded with any class, lengths and the end's class."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = draw(st.sampled_from([0.1, 3.0, 30.0])) * rng.standard_normal((B, L + 1, K)).astype(np.float32)
    lengths = np.array(draw(st.lists(st.integers(0, L), min_size=B, max_size=B)), np.int32)
    end_id = draw(st.sampled_from([0, K - 1]))
    labels = rng.choice([k for k in range(K) if k != end_id], (B, L)).astype(np.int32)
    return logits, labels, lengths, end_id


@hypothesis.settings(max_examples=60)
@hypothesis.given(batches())
def test_equals_float64_and_optax(batch):
    logits, labels, lengths, end_id = batch
    losses = loss(logits, labels, lengths, end_id)
    exact = logits.astype(np.float64)
    log_p = exact - np.log(np.sum(np.exp(exact), axis=-1, keepdims=True))
    for row, length in enumerate(lengths):
        expected = [*labels[row, :length], end_id]
        np.testing.assert_allclose(losses[row], -sum(log_p[row, range(length + 1), expected]), rtol=1e-5, atol=1e-6)
        theirs = optax.softmax_cross_entropy_with_integer_labels(logits[row, : length + 1], jnp.array(expected))
        # optax takes the difference of two numbers as large as the scores: a few of their last places are lost.
        slack = 4 * (length + 1) * np.spacing(np.abs(logits[row]).max())
        np.testing.assert_allclose(losses[row], jnp.sum(theirs), rtol=1e-5, atol=slack)


@hypothesis.settings(max_examples=30)
@hypothesis.given(batches(), st.sampled_from([np.nan, np.inf, -np.inf, 1e38]), st.sampled_from([-1, 0, K, 10**6]))
def test_what_follows_the_end_does_not_matter(batch, score, token):
    logits, labels, lengths, end_id = batch
    loud: Any = np.where(np.arange(L + 1)[:, None] > lengths[:, None, None], np.float32(score), logits)
    padded = np.where(np.arange(L) < lengths[:, None], labels, np.int32(token))
    np.testing.assert_array_equal(loss(loud, padded, lengths, end_id), loss(logits, labels, lengths, end_id))
    loud_gradient = gradient(loud, padded, lengths, end_id)
    np.testing.assert_array_equal(loud_gradient, gradient(logits, labels, lengths, end_id))
    assert not np.any(np.asarray(loud_gradient)[np.arange(L + 1) > lengths[:, None]])


def test_no_slot_for_the_end_is_refused():
    with pytest.raises(ValueError, match=r"labels of 4 slots need logits of 5 .*got 4"):
        sequence_cross_entropy(jnp.zeros((B, L, K)), jnp.zeros((B, L), int), jnp.zeros(B, int), 0)
