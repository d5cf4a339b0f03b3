"""The recurrent layers against plain float64 recurrences, and against Flax's and PyTorch's own."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.ops.recurrent import RecurrentConfig, RecurrentLayer, RecurrentStack
from tests.variables import abstract_variables, random_variables

B, T, D, U = 5, 7, 5, 4
LENGTHS = np.array([7, 4, 1, 0, 6])
GATES = {"lstm": 4, "gru": 3}
ONE_AND_TWO_WAYS = pytest.mark.parametrize("directions", [1, 2])


@pytest.fixture(scope="module", params=["lstm", "gru"])
def kind(request):
    """A cell, with parameters for both directions that are all at random, biases included."""
    random = np.random.default_rng(0)
    features = random.normal(size=(B, T, D)).astype(np.float32)
    variables = random_variables(RecurrentLayer(U, request.param), features, LENGTHS, train=False)
    return request.param, variables, features


@functools.cache
def compiled(cell, directions, dtype):
    return jax.jit(functools.partial(RecurrentLayer(U, cell, directions, dtype=dtype).apply, train=False))


def apply(cell, directions, variables, features, lengths=LENGTHS, dtype=jnp.float32) -> np.ndarray:
    variables = jax.tree.map(lambda x: x[:directions], variables)
    return np.asarray(compiled(cell, directions, jnp.dtype(dtype))(variables, features, lengths))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain_lstm(inputs, kernel, recurrent, bias):
    """One direction of one sample."""
    hidden, cell, outputs = np.zeros(U), np.zeros(U), []
    for x in inputs:
        i, f, g, o = np.split(x @ kernel + hidden @ recurrent + bias, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
        outputs.append(hidden)
    return np.array(outputs)


def plain_gru(inputs, kernel, recurrent, bias, recurrent_bias):
    """One direction of one sample."""
    hidden, outputs = np.zeros(U), []
    (w_r, w_z, w_n), (u_r, u_z, u_n), (b_r, b_z, b_n) = (np.split(x, 3, -1) for x in (kernel, recurrent, bias))
    for x in inputs:
        r, z = sigmoid(x @ w_r + hidden @ u_r + b_r), sigmoid(x @ w_z + hidden @ u_z + b_z)
        n = np.tanh(x @ w_n + b_n + r * (hidden @ u_n + recurrent_bias))
        hidden = (1 - z) * n + z * hidden
        outputs.append(hidden)
    return np.array(outputs)


@ONE_AND_TWO_WAYS
def test_equals_a_plain_recurrence_on_each_sample_cut_to_its_length(kind, directions):
    cell, variables, features = kind
    plain = {"lstm": plain_lstm, "gru": plain_gru}[cell]
    hidden = apply(cell, directions, variables, features)
    assert hidden.shape == (B, T, directions * U)
    each_way = [{k: np.asarray(v[way], np.float64) for k, v in variables["params"].items()} for way in (0, 1)]
    for row, length in enumerate(LENGTHS):
        cut = features[row, :length].astype(np.float64)
        expected = [plain(cut, **each_way[0]), plain(cut[::-1], **each_way[1])[::-1]]
        for way in range(directions if length else 0):
            np.testing.assert_allclose(hidden[row, :length, way * U :][:, :U], expected[way], atol=2e-6)


@ONE_AND_TWO_WAYS
def test_padding_never_reaches_a_reading(kind, directions):
    cell, variables, features = kind
    loud = features.copy()
    for row, length in enumerate(LENGTHS):
        loud[row, length:] = 1e6
    quiet_hidden = apply(cell, directions, variables, features)
    loud_hidden = apply(cell, directions, variables, loud)
    for row, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(quiet_hidden[row, :length], loud_hidden[row, :length])


def test_the_forward_direction_sees_no_later_frame_and_the_backward_no_earlier(kind):
    cell, variables, features = kind
    full = np.full(B, T)
    before = apply(cell, 2, variables, features, full)
    changed = features.copy()
    changed[:, 4] += 1.0
    after = apply(cell, 2, variables, changed, full)
    np.testing.assert_array_equal((before[..., :U] == after[..., :U]).all(axis=(0, 2)), np.arange(T) < 4)
    np.testing.assert_array_equal((before[..., U:] == after[..., U:]).all(axis=(0, 2)), np.arange(T) > 4)
    one_way = apply(cell, 1, variables, features, full) == apply(cell, 1, variables, changed, full)
    np.testing.assert_array_equal(one_way.all(axis=(0, 2)), np.arange(T) < 4)


def test_forward_lstm_equals_flax():
    features = np.random.default_rng(0).normal(size=(B, T, D)).astype(np.float32)
    variables = random_variables(RecurrentLayer(U, directions=1), features, LENGTHS, train=False)
    p = variables["params"]
    cell_params = {}
    for index, gate in enumerate("ifgo"):
        columns = slice(index * U, (index + 1) * U)
        cell_params[f"i{gate}"] = {"kernel": p["kernel"][0][:, columns]}
        cell_params[f"h{gate}"] = {"kernel": p["recurrent"][0][:, columns], "bias": p["bias"][0][columns]}
    theirs: Any = jax.jit(nn.RNN(nn.OptimizedLSTMCell(U)).apply)({"params": {"cell": cell_params}}, features)
    live = np.arange(T)[:, None] < LENGTHS[:, None, None]
    np.testing.assert_allclose(apply("lstm", 1, variables, features), np.where(live, theirs, 0), atol=1e-6)


@ONE_AND_TWO_WAYS
def test_equals_pytorch_on_packed_sequences(kind, directions):
    torch = pytest.importorskip("torch")
    cell, variables, features = kind
    module = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell](D, U, bidirectional=directions == 2, batch_first=True)
    p = {name: np.asarray(value) for name, value in variables["params"].items()}
    with torch.no_grad():
        for way, suffix in zip(range(directions), ("", "_reverse"), strict=False):
            getattr(module, f"weight_ih_l0{suffix}").copy_(torch.tensor(p["kernel"][way].T))
            getattr(module, f"weight_hh_l0{suffix}").copy_(torch.tensor(p["recurrent"][way].T))
            getattr(module, f"bias_ih_l0{suffix}").copy_(torch.tensor(p["bias"][way]))
            second = np.zeros(GATES[cell] * U, np.float32)
            if cell == "gru":
                second[2 * U :] = p["recurrent_bias"][way]
            getattr(module, f"bias_hh_l0{suffix}").copy_(torch.tensor(second))
        rows = LENGTHS > 0  # PyTorch packs no empty sequence
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            torch.tensor(features[rows]), torch.tensor(LENGTHS[rows]), batch_first=True, enforce_sorted=False
        )
        theirs, _ = torch.nn.utils.rnn.pad_packed_sequence(module(packed)[0], batch_first=True, total_length=T)
    ours = apply(cell, directions, variables, features)[rows]
    live = np.arange(T) < LENGTHS[rows, None]
    np.testing.assert_allclose(ours[live], theirs.numpy()[live], atol=2e-6)


def test_gradients_are_finite_and_ignore_padding(kind):
    cell, variables, features = kind

    @jax.jit
    @jax.grad
    def gradient(features):
        hidden: Any = RecurrentLayer(U, cell).apply(variables, features, LENGTHS, train=True)
        live = jnp.arange(T) < LENGTHS[:, None]
        return jnp.where(live[..., None], hidden, 0.0).sum()

    slopes = np.asarray(gradient(features))
    assert np.isfinite(slopes).all()
    np.testing.assert_array_equal((slopes != 0).any(-1), np.arange(T) < LENGTHS[:, None])


def test_recurrent_kernels_start_orthogonal_and_only_forget_gates_open(kind):
    cell, _, features = kind
    init = jax.jit(functools.partial(RecurrentLayer(U, cell).init, train=False))
    params = init(jax.random.key(1), features, LENGTHS)["params"]
    recurrent = np.asarray(params["recurrent"]).reshape(2, U, GATES[cell], U)
    for block in recurrent.transpose(0, 2, 1, 3).reshape(-1, U, U):
        np.testing.assert_allclose(block @ block.T, np.eye(U), atol=1e-5)
    open_gates = {"lstm": [0, 1, 0, 0], "gru": [0, 0, 0]}[cell]
    np.testing.assert_array_equal(params["bias"], np.tile(np.repeat(open_gates, U), (2, 1)))
    assert ("recurrent_bias" in params) == (cell == "gru")
    np.testing.assert_array_equal(params.get("recurrent_bias", 0), 0)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@ONE_AND_TWO_WAYS
@pytest.mark.parametrize(("layers", "projection"), [(1, 8), (2, 8), (3, 0)])
def test_stack_has_the_configured_layers_and_projections(layers, projection, cell, directions):
    stack = RecurrentStack(RecurrentConfig(layers, 6, projection, cell, directions))
    features, lengths = jnp.zeros((2, 5, 10)), jnp.array([5, 3])
    init, call = (functools.partial(function, train=False) for function in (stack.init, stack.apply))
    variables = jax.eval_shape(init, jax.random.key(0), features, lengths)
    assert jax.eval_shape(call, variables, features, lengths).shape == (2, 5, 6 * directions)
    depths = [10] + [projection or 6 * directions] * (layers - 1)
    biases = GATES[cell] + (cell == "gru")
    expected = {
        f"layer{n}": directions * 6 * (GATES[cell] * (depth + 6) + biases) for n, depth in enumerate(depths, start=1)
    }
    if projection:
        expected |= {f"projection{n}": (6 * directions + 1) * projection for n in range(1, layers)}
    params = variables["params"]
    assert {name: sum(x.size for x in jax.tree.leaves(params[name])) for name in params} == expected
    assert params["layer1"]["kernel"].shape == (directions, 10, GATES[cell] * 6)


@pytest.mark.parametrize(
    ("field", "value", "choices"),
    [
        ("cell", "rnn", "lstm or gru"),
        ("directions", 3, "1 or 2"),
        ("layers", 0, "1 or more"),
        ("units", 0, "1 or more"),
        ("projection", -1, "1 or more, or 0 for none"),
        ("implementation", "fast", "auto, scan or cudnn"),
    ],
)
def test_values_out_of_range_are_refused_by_name(field, value, choices):
    config = RecurrentConfig(units=U)
    setattr(config, field, value)
    with pytest.raises(ValueError, match=f"model.recurrent.{field}={value!r}: choose {choices}"):
        abstract_variables(RecurrentStack(config), jnp.zeros((2, 5, 10)), jnp.array([5, 3]), train=False)


def test_bfloat16_stays_near_float32(kind):
    cell, variables, features = kind
    exact = apply(cell, 2, variables, features)
    low = apply(cell, 2, variables, features, dtype=jnp.dtype("bfloat16"))
    assert low.dtype == np.float32
    live = np.arange(T) < LENGTHS[:, None]
    np.testing.assert_allclose(low[live], exact[live], atol=0.05)


def test_exports_with_symbolic_batch_and_width(kind):
    cell, variables, features = kind
    batch, width = jax.export.symbolic_shape("b, t")
    read = jax.jit(lambda x, n: RecurrentLayer(U, cell).apply(variables, x, n, train=False))
    exported = jax.export.export(read)(
        jax.ShapeDtypeStruct((batch, width, D), jnp.float32), jax.ShapeDtypeStruct((batch,), jnp.int32)
    )
    np.testing.assert_allclose(
        exported.call(features, LENGTHS.astype(np.int32)), apply(cell, 2, variables, features), atol=1e-6
    )
