"""The recurrent stack against a plain float64 LSTM and against Flax's own cell."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.blstm import BidirectionalLSTM, RecurrentConfig, RecurrentStack

B, T, D, U = 3, 7, 5, 4
LENGTHS = np.array([7, 4, 1])


@pytest.fixture(scope="module")
def layer():
    features = np.random.default_rng(0).normal(size=(B, T, D)).astype(np.float32)
    module = BidirectionalLSTM(U)
    variables = module.init(jax.random.key(1), features, jnp.asarray(LENGTHS))
    return module, variables, features


def plain_lstm(inputs, kernel, recurrent, bias):
    """One direction of one sample, in float64."""
    hidden, cell, outputs = np.zeros(U), np.zeros(U), []
    for x in inputs:
        i, f, g, o = np.split(x @ kernel + hidden @ recurrent + bias, 4)
        cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        hidden = np.tanh(cell) / (1 + np.exp(-o))
        outputs.append(hidden)
    return np.array(outputs)


def test_equals_a_plain_lstm_on_each_sample_cut_to_its_length(layer):
    module, variables, features = layer
    hidden = module.apply(variables, features, jnp.asarray(LENGTHS))
    p = jax.tree.map(lambda x: np.asarray(x, np.float64), variables["params"])
    for row, length in enumerate(LENGTHS):
        cut = features[row, :length].astype(np.float64)
        forward = plain_lstm(cut, p["kernel"][0], p["recurrent"][0], p["bias"][0])
        backward = plain_lstm(cut[::-1], p["kernel"][1], p["recurrent"][1], p["bias"][1])[::-1]
        np.testing.assert_allclose(hidden[row, :length], np.concatenate([forward, backward], -1), atol=1e-6)


def test_forward_direction_equals_flax(layer):
    module, variables, features = layer
    p = variables["params"]
    gates = dict(zip("ifgo", range(4), strict=True))
    cell_params = {}
    for gate, index in gates.items():
        columns = slice(index * U, (index + 1) * U)
        cell_params[f"i{gate}"] = {"kernel": p["kernel"][0][:, columns]}
        cell_params[f"h{gate}"] = {"kernel": p["recurrent"][0][:, columns], "bias": p["bias"][0][columns]}
    theirs: Any = nn.RNN(nn.OptimizedLSTMCell(U)).apply({"params": {"cell": cell_params}}, features)
    ours = module.apply(variables, features, jnp.full(B, T))
    np.testing.assert_allclose(ours[..., :U], theirs, atol=1e-6)


def test_padding_never_reaches_a_reading(layer):
    module, variables, features = layer
    loud = features.copy()
    for row, length in enumerate(LENGTHS):
        loud[row, length:] = 1e6
    quiet_hidden = module.apply(variables, features, jnp.asarray(LENGTHS))
    loud_hidden = module.apply(variables, loud, jnp.asarray(LENGTHS))
    for row, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(quiet_hidden[row, :length], loud_hidden[row, :length])


def test_forget_gates_start_open_and_recurrent_kernels_orthogonal(layer):
    _, variables, _ = layer
    bias = np.asarray(variables["params"]["bias"]).reshape(2, 4, U)
    np.testing.assert_array_equal(bias[:, 1], 1.0)
    np.testing.assert_array_equal(bias[:, [0, 2, 3]], 0.0)
    recurrent = np.asarray(variables["params"]["recurrent"]).reshape(2, U, 4, U)
    for way in range(2):
        for gate in range(4):
            block = recurrent[way, :, gate]
            np.testing.assert_allclose(block @ block.T, np.eye(U), atol=1e-5)


@pytest.mark.parametrize(("layers", "projection"), [(1, 8), (2, 8), (3, 0)])
def test_stack_has_the_configured_layers_and_projections(layers, projection):
    stack = RecurrentStack(RecurrentConfig(layers, units=6, projection=projection))
    features, lengths = jnp.zeros((2, 5, 10)), jnp.array([5, 3])
    variables = jax.eval_shape(stack.init, jax.random.key(0), features, lengths)
    names = set(variables["params"])
    assert {f"blstm{n + 1}" for n in range(layers)} <= names
    assert {f"projection{n}" for n in range(1, layers) if projection} == {n for n in names if "projection" in n}
    second_input = projection or 12
    if layers > 1:
        assert variables["params"]["blstm2"]["kernel"].shape == (2, second_input, 24)
    assert jax.eval_shape(stack.apply, variables, features, lengths).shape == (2, 5, 12)


def test_bfloat16_stays_near_float32(layer):
    _, variables, features = layer
    exact: Any = BidirectionalLSTM(U).apply(variables, features, jnp.asarray(LENGTHS))
    low: Any = BidirectionalLSTM(U, jnp.bfloat16).apply(variables, features, jnp.asarray(LENGTHS))
    np.testing.assert_allclose(low, exact, atol=0.05)
