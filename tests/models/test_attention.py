"""The attention decoder against a loop in float64, and what padding and empty rows may not touch."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import export
from jax.flatten_util import ravel_pytree

from recog.models.attention import AttentionDecoder
from recog.tasks.cross_entropy import sequence_cross_entropy
from recog.tasks.greedy import until_end
from tests.variables import random_variables

B, T, D, U, K, L = 4, 6, 5, 7, 5, 4
LENGTHS = np.array([6, 3, 1, 0], np.int32)


@functools.cache
def compiled(blank_id: int, units: int = U, dtype: str = "float32"):
    """A decoder with a program that forces and one that reads."""
    decoder = AttentionDecoder(K, units, blank_id, jnp.dtype(dtype))
    return decoder, jax.jit(decoder.apply), jax.jit(functools.partial(read_freely, decoder), static_argnames="steps")


def read_freely(decoder, variables, features, lengths, *, steps):
    """The decoder's own tokens up to their end."""
    logits, places = decoder.apply(variables, features, lengths, steps=steps, method="run_freely")
    return until_end(logits, places, decoder.blank_id)


@pytest.fixture(scope="module", params=[0, K - 1], ids=["blank_first", "blank_last"])
def setup(request):
    """A decoder whose readings of these features end at different places, and tokens to go on from."""
    random = np.random.default_rng(20)
    decoder, *_ = compiled(request.param)
    features = random.normal(size=(B, T, D)).astype(np.float32)
    tokens = random.integers(0, K, (B, L)).astype(np.int32)
    shapes = jax.eval_shape(decoder.init, jax.random.key(0), features, LENGTHS, tokens)
    variables = jax.tree.map(lambda x: random.normal(size=x.shape).astype(np.float32), shapes)
    return decoder, variables, features, tokens


def force(setup, features=None, tokens=None, lengths=LENGTHS) -> Any:
    decoder, variables, own_features, own_tokens = setup
    _, program, _ = compiled(decoder.blank_id)
    logits = program(
        variables, own_features if features is None else features, lengths, own_tokens if tokens is None else tokens
    )
    return np.asarray(logits)


def greedy(setup, features=None, lengths=LENGTHS, steps=L) -> Any:
    decoder, variables, own_features, _ = setup
    _, _, program = compiled(decoder.blank_id)
    read = program(variables, own_features if features is None else features, lengths, steps=steps)
    return jax.tree.map(np.asarray, read)


class PlainDecoder:
    """One sample, in float64: the equations as the papers have them, with one-hot tokens."""

    def __init__(self, variables, features):
        self.p = {name: np.asarray(x, np.float64) for name, x in variables["params"].items()}
        self.features = features.astype(np.float64)
        self.cell = self.hidden = np.zeros(U)

    def step(self, token):
        """Probabilities of the next token, and the attention weights."""
        p = self.p
        query = self.hidden @ p["query"] + p["query_bias"]
        scores = np.array([p["score"][:, 0] @ np.tanh(h @ p["position"] + query) for h in self.features])
        attention = np.exp(scores) / np.sum(np.exp(scores))
        context = sum((a * h for a, h in zip(attention, self.features, strict=True)), np.zeros(D))
        inputs = np.concatenate([context, np.eye(K)[token]])
        gates = inputs @ np.concatenate([p["context"], p["token"]]) + self.hidden @ p["recurrent"] + p["bias"]
        i, f, g, o = np.split(gates, 4)
        self.cell = self.cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        self.hidden = np.tanh(self.cell) / (1 + np.exp(-o))
        logits = self.hidden @ p["output"] + p["output_bias"]
        return np.exp(logits) / np.sum(np.exp(logits)), attention


def test_teacher_forcing_equals_a_plain_loop(setup):
    decoder, variables, features, tokens = setup
    logits = force(setup)
    assert logits.shape == (B, L + 1, K)
    assert logits.dtype == jnp.float32
    for row, length in enumerate(LENGTHS):
        plain = PlainDecoder(variables, features[row, :length])
        expected = [plain.step(token)[0] for token in [decoder.blank_id, *tokens[row]]]
        np.testing.assert_allclose(jax.nn.softmax(logits[row]), expected, atol=2e-5)


@pytest.mark.parametrize("steps", [1, 4, 9])
def test_greedy_equals_a_plain_loop(setup, steps):
    decoder, variables, features, _ = setup
    read = greedy(setup, steps=steps)
    for row, length in enumerate(LENGTHS):
        plain, token, expected, whole = PlainDecoder(variables, features[row, :length]), decoder.blank_id, [], 1.0
        for _ in range(steps):
            posterior, attention = plain.step(token)
            token = int(np.argmax(posterior))
            whole *= posterior[token]
            if token == decoder.blank_id:
                break
            expected.append((token, posterior[token], np.argmax(attention) if length else 0))
        else:  # no more slots: that the reading ends here is part of its confidence
            whole *= plain.step(token)[0][decoder.blank_id]
        beyond = [(0, 0.0, -1)] * (steps - len(expected))
        slots = np.stack([read.tokens[row], read.confidences[row], read.frames[row]], axis=1)
        np.testing.assert_allclose(slots, expected + beyond, atol=2e-5)
        assert read.lengths[row] == len(expected)
        np.testing.assert_allclose(read.confidence[row], whole, rtol=1e-3, atol=1e-6)


def test_greedy_is_what_teacher_forcing_prefers_after_its_own_tokens(setup):
    decoder = setup[0]
    read = greedy(setup)
    posterior = np.asarray(jax.nn.softmax(force(setup, tokens=read.tokens)))
    assert len(set(read.lengths.tolist())) > 1, "the readings should end at different places"
    for row, length in enumerate(read.lengths):
        chosen = [*read.tokens[row, :length], decoder.blank_id]
        assert np.argmax(posterior[row], axis=-1)[: min(length + 1, L)].tolist() == chosen[:L]
        np.testing.assert_allclose(
            read.confidences[row, :length], posterior[row, range(length), chosen[:length]], rtol=1e-4
        )
        whole = np.prod(posterior[row, range(len(chosen)), chosen])
        np.testing.assert_allclose(read.confidence[row], whole, rtol=1e-4)


@pytest.mark.parametrize("garbage", [1e30, -1e30, np.inf, np.nan])
def test_positions_beyond_a_length_never_matter(setup, garbage):
    loud = np.where(np.arange(T)[:, None] < LENGTHS[:, None, None], setup[2], np.float32(garbage))
    np.testing.assert_array_equal(force(setup, loud), force(setup))
    for ours, theirs in zip(greedy(setup, loud), greedy(setup), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_rows_do_not_depend_on_their_batch(setup):
    np.testing.assert_allclose(force(setup)[1:2], force(setup, setup[2][1:2], setup[3][1:2], LENGTHS[1:2]), atol=1e-5)


def test_tokens_change_nothing_before_the_slot_after_them(setup):
    tokens = setup[3].copy()
    tokens[:, 2] = (tokens[:, 2] + 1) % K
    np.testing.assert_array_equal(force(setup)[:, :3], force(setup, tokens=tokens)[:, :3])
    assert np.any(force(setup)[:, 3] != force(setup, tokens=tokens)[:, 3])


@pytest.mark.parametrize("setup", [K - 1], ids=["blank_last"], indirect=True)
def test_gradients_are_finite_where_rows_have_no_position(setup):
    decoder, variables, features, tokens = setup
    loud = np.where(np.arange(T)[:, None] < LENGTHS[:, None, None], features, np.float32(np.nan))

    def total(variables, features):
        logits = decoder.apply(variables, features, LENGTHS, tokens)
        return jnp.sum(sequence_cross_entropy(logits, tokens, jnp.array([4, 0, 2, 0]), decoder.blank_id))

    of_variables, of_features = jax.jit(jax.grad(total, argnums=(0, 1)))(variables, loud)
    for leaf in jax.tree.leaves(of_variables):
        assert np.all(np.isfinite(leaf))
        assert np.any(leaf)
    assert np.all(np.isfinite(of_features))
    assert not np.any(np.asarray(of_features)[np.arange(T) >= LENGTHS[:, None]])


def test_initial_parameters():
    decoder, features, lengths = AttentionDecoder(K, 64), jnp.zeros((1, T, D)), jnp.ones(1, int)
    assert decoder.blank_id == 0

    @jax.jit
    def initialize(key):
        forced = decoder.init(key, features, lengths, jnp.zeros((1, L), int))
        return forced, decoder.init(key, features, lengths, 3, method="run_freely")

    variables, read_variables = initialize(jax.random.key(0))
    jax.tree.map(np.testing.assert_array_equal, variables, read_variables)
    bias = np.asarray(variables["params"]["bias"]).reshape(4, 64)
    np.testing.assert_array_equal(bias, np.array([0, 1, 0, 0])[:, None] * np.ones(64))
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(variables))


def test_bfloat16_stays_near_float32():
    random = np.random.default_rng(0)
    features, tokens = random.normal(size=(B, T, D)).astype(np.float32), random.integers(0, K, (B, L))
    decoder, exactly, _ = compiled(0, 32)
    variables = random_variables(decoder, features, LENGTHS, tokens)
    exact: Any = exactly(variables, features, LENGTHS, tokens)
    low: Any = compiled(0, 32, "bfloat16")[1](variables, features, LENGTHS, tokens)
    assert low.dtype == jnp.float32
    np.testing.assert_allclose(low, exact, atol=0.05)
    assert np.any(low != exact)


@pytest.mark.parametrize("setup", [K - 1], ids=["blank_last"], indirect=True)
def test_exports_with_a_symbolic_batch(setup):
    decoder, variables, features, _ = setup
    (batch,) = export.symbolic_shape("b")
    shapes = (jax.ShapeDtypeStruct((batch, T, D), jnp.float32), jax.ShapeDtypeStruct((batch,), jnp.int32))

    def read(features, lengths):
        return tuple(read_freely(decoder, variables, features, lengths, steps=L))

    exported = export.export(jax.jit(read))(*shapes)
    whole = greedy(setup)
    for rows in (1, B):
        for ours, theirs in zip(exported.call(features[:rows], LENGTHS[:rows]), whole, strict=True):
            np.testing.assert_allclose(ours, theirs[:rows], rtol=1e-5)


def test_learns_to_read_what_the_features_say():
    """Position ``t`` holds its number and the token there; what is beyond the label holds its number only."""
    slots, classes, steps, rows = 3, 5, 120, 32
    random, decoder, optimizer = np.random.default_rng(0), AttentionDecoder(classes, 16, blank_id=0), optax.adam(0.03)

    def draw(*shape: int):
        lengths = random.integers(0, slots + 1, shape)
        tokens = random.integers(1, classes, (*shape, slots)) * (np.arange(slots) < lengths[..., None])
        place = np.broadcast_to(np.eye(slots), (*shape, slots, slots))
        return np.concatenate([np.eye(classes)[tokens], place], -1).astype(np.float32), tokens, lengths

    features, tokens, lengths = draw(256)
    full = np.full(256, slots)
    vector, as_variables = ravel_pytree(random_variables(decoder, features, full, tokens))

    def loss(vector, features, tokens, lengths):
        logits = decoder.apply(as_variables(vector), features, full[:rows], tokens)
        return jnp.mean(sequence_cross_entropy(logits, tokens, lengths, decoder.blank_id))  # pyright: ignore

    def step(carry, batch):
        vector, state = carry
        value, gradient = jax.value_and_grad(loss)(vector, *batch)
        updates, state = optimizer.update(gradient, state)
        return (optax.apply_updates(vector, updates), state), value

    train = jax.jit(functools.partial(jax.lax.scan, step))
    (vector, _), values = train((vector, optimizer.init(vector)), draw(steps, rows))
    read: Any = jax.jit(functools.partial(read_freely, decoder, steps=slots))(as_variables(vector), features, full)
    assert np.mean(read.equals(tokens, lengths)) > 0.95, values[::20]
    assert np.mean(read.confidence) > 0.8
    # Attention learns to look at each token's own position.
    live = np.arange(slots) < np.asarray(lengths)[:, None]
    assert np.mean((np.asarray(read.frames) == np.arange(slots))[live]) > 0.8
