"""cuDNN's LSTM against the scan, through JAX's reference of it; and where it is taken. With a GPU, cuDNN itself."""

import functools
import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import export
from jax.experimental import rnn
from jax.interpreters import mlir

from recog import mesh as meshes
from recog.alphabet import DIGITS
from recog.codecs import TextCodec
from recog.evaluation.cost import count_macs
from recog.export.write import make_program
from recog.mesh import MeshConfig, by_parameter, by_sample, make_mesh, traced_on
from recog.models.crnn import CRNN, CRNNConfig
from recog.models.crnn_plate import CRNNPlate, CRNNPlateConfig
from recog.models.multitask import MultiTaskConfig, MultiTaskReader
from recog.models.plate_reader import PlateReader, PlateReaderConfig
from recog.ops import cudnn_lstm
from recog.ops.recurrent import RecurrentConfig, RecurrentLayer, RecurrentStack
from recog.preprocess import Preprocess
from recog.tasks.reading import ReadingTask
from tests.batches import text_batch
from tests.conftest import nvidia_device, with_devices

TARGETS = "cudnn_rnn_ffi", "cudnn_rnn_bwd_ffi"
B, T, D, U = 5, 7, 6, 4
LENGTHS = np.array([7, 4, 1, 0, 6])
ONE_AND_TWO_WAYS = pytest.mark.parametrize("directions", [1, 2])


def reference(
    x, h_0, c_0, weights, seq_lengths, input_size, hidden_size, num_layers, dropout, bidirectional, precision
):
    """`rnn.lstm` by JAX's own reference; like cuDNN it takes no empty sequence, and the padding of its result is wild.

    So are the gradients of what it was given there.
    """
    assert {x.dtype for x in (x, h_0, c_0, weights)} == {np.dtype(np.float32)}
    unpacked = rnn.unpack_lstm_weights(weights, input_size, hidden_size, num_layers, bidirectional)
    live = (jnp.arange(x.shape[1]) < seq_lengths[:, None])[..., None]
    y, h_n, c_n = rnn.lstm_ref(
        _wild_gradient(x, live), h_0, c_0, *unpacked, seq_lengths, input_size, hidden_size, num_layers, dropout,
        bidirectional,
    )  # fmt: skip
    some = jnp.all((seq_lengths > 0) & (seq_lengths <= x.shape[1]))
    return jnp.where(live & some, y, jnp.nan), h_n, c_n


@jax.custom_vjp
def _wild_gradient(x, live):
    return x


_wild_gradient.defvjp(lambda x, live: (x, live), lambda live, dx: (jnp.where(live, dx, jnp.nan), None))


@pytest.fixture
def by_reference(monkeypatch):
    """CuDNN's LSTM as if it were at hand."""
    monkeypatch.setattr(rnn, "lstm", reference)
    monkeypatch.setattr(cudnn_lstm, "available", lambda: True)


@pytest.fixture
def lowered_for_cuda(monkeypatch):
    """JAX's own call as if its CUDA plugin were at hand: it can be traced and lowered, not run."""
    monkeypatch.setattr(cudnn_lstm, "available", lambda: True)
    sizes = lambda *args: (16, 16)  # noqa: E731
    gpu_rnn: Any = vars(rnn)["gpu_rnn"]
    monkeypatch.setattr(gpu_rnn, "compute_rnn_workspace_reserve_space_sizes", sizes, raising=False)
    plugin = SimpleNamespace(build_rnn_descriptor=lambda *args: b"settings")
    rules = {rnn.rnn_fwd_p: gpu_rnn.cudnn_rnn_lowering, rnn.rnn_bwd_p: gpu_rnn.cudnn_rnn_bwd_lowering}
    for primitive, rule in rules.items():
        mlir.register_lowering(primitive, functools.partial(rule.func, plugin, "cu"), platform="cuda")
    yield
    for primitive, rule in rules.items():
        mlir.register_lowering(primitive, rule, platform="cuda")


def problem(directions, batch=B, frames=T, depth=D, units=U, seed=0):
    """Parameters at random, biases included, and features."""
    random = np.random.default_rng(seed)
    shapes = {
        "kernel": (directions, depth, 4 * units),
        "recurrent": (directions, units, 4 * units),
        "bias": (directions, 4 * units),
    }
    params = {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    return params, random.normal(size=(batch, frames, depth)).astype(np.float32)


def results(implementation, params, features, lengths, dtype=jnp.float32):
    """Hidden states of the live frames, and the gradients by parameters and features of a sum that weights them."""
    directions, units, _ = params["recurrent"].shape
    run = compiled(units, directions, implementation, dtype, rnn.lstm)
    (_, hidden), (by_params, by_features) = run(params, features, lengths)
    return {"hidden": hidden, "features": by_features, **by_params}


@functools.cache
def compiled(units: int, directions: int, implementation: str, dtype, lstm):
    """Value and gradients of a layer that is traced with this `rnn.lstm`."""
    del lstm
    layer = RecurrentLayer(units, "lstm", directions, implementation, dtype)

    def run(params, features, lengths):
        live = (jnp.arange(features.shape[1]) < lengths[:, None])[..., None]
        hidden: Any = layer.apply({"params": params}, features, lengths, train=True)
        weights = np.random.default_rng(1).normal(size=hidden.shape)
        return jnp.sum(jnp.where(live, hidden * weights, 0.0)), jnp.where(live, hidden, 0.0)

    return jax.jit(jax.value_and_grad(run, argnums=(0, 1), has_aux=True))


def assert_same(ours, theirs, tolerance):
    for name in theirs:
        scale = max(1.0, float(np.abs(theirs[name]).max(initial=0.0)))
        np.testing.assert_allclose(ours[name] / scale, theirs[name] / scale, atol=tolerance, err_msg=name)


@pytest.mark.parametrize(
    ("directions", "sizes", "lengths"),
    [
        (1, (B, T, D, U), LENGTHS),
        (2, (B, T, D, U), LENGTHS),
        (1, (B, T, D, U), 0 * LENGTHS),
        (2, (B, T, D, U), 0 * LENGTHS),
        (2, (2, 26, 64, 32), np.array([26, 19])),
        (1, (1, 1, 1, 1), np.array([1])),
    ],
    ids=["ragged one way", "ragged two ways", "no sample one way", "no sample two ways", "crnn", "one"],
)
def test_equals_the_scan_and_so_do_gradients(directions, sizes, lengths, by_reference):
    params, features = problem(directions, *sizes)
    ours, theirs = (results(name, params, features, lengths) for name in ("cudnn", "scan"))
    assert_same(ours, theirs, 1e-5)


@settings(max_examples=30)
@given(st.data())
def test_equals_the_scan_at_any_lengths(data):
    directions, *sizes = data.draw(st.sampled_from([(1, 3, 4, 1, 2), (2, B, T, D, U)]))
    lengths = np.array(data.draw(st.lists(st.integers(0, sizes[1]), min_size=sizes[0], max_size=sizes[0])))
    params, features = problem(directions, *sizes, seed=data.draw(st.integers(0, 9)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rnn, "lstm", reference)
        patch.setattr(cudnn_lstm, "available", lambda: True)
        ours = results("cudnn", params, features, lengths)
    assert_same(ours, results("scan", params, features, lengths), 1e-5)


@ONE_AND_TWO_WAYS
def test_padding_neither_enters_nor_leaves(directions, by_reference):
    params, features = problem(directions)
    loud, live = features.copy(), np.arange(T) < LENGTHS[:, None]
    loud[~live] = np.inf

    @jax.jit
    @functools.partial(jax.grad, has_aux=True)
    def run(features):
        hidden = cudnn_lstm.lstm(**params, features=features, lengths=jnp.asarray(LENGTHS))
        return hidden.sum(), hidden

    slopes, hidden = map(np.asarray, run(loud))
    np.testing.assert_array_equal(hidden, run(features)[1])
    np.testing.assert_array_equal(hidden[~live], 0.0)
    assert np.isfinite(slopes).all()
    np.testing.assert_array_equal((slopes != 0).any(-1), live)


def test_features_of_another_type_are_converted(by_reference):
    params, features = problem(2)
    low = jnp.asarray(features, jnp.bfloat16)
    ours = results("cudnn", params, low, LENGTHS, jnp.bfloat16)
    assert (ours["hidden"].dtype, ours["features"].dtype, ours["kernel"].dtype) == (
        np.float32,
        jnp.bfloat16,
        np.float32,
    )
    exact = results("scan", params, np.asarray(low, np.float32), LENGTHS)
    assert_same({"hidden": ours["hidden"]}, {"hidden": exact["hidden"]}, 1e-5)


def test_weights_are_packed_as_jax_unpacks_them():
    params, _ = problem(2)
    packed = cudnn_lstm.pack(**params)
    assert packed.shape == (rnn.get_num_params_in_lstm(D, U, 1, True),)
    of_inputs, of_hidden, first, second = rnn.unpack_lstm_weights(packed, D, U, 1, True)
    for way in (0, 1):
        np.testing.assert_array_equal(of_inputs[way], params["kernel"][way].T)
        np.testing.assert_array_equal(of_hidden[way], params["recurrent"][way].T)
        np.testing.assert_array_equal(first[way], params["bias"][way])
        np.testing.assert_array_equal(second[way], 0.0)


def uses(implementation: str, cell: str = "lstm", *, train: bool = True) -> bool:
    """Whether a layer takes cuDNN's LSTM."""
    layer = RecurrentLayer(U, cell, implementation=implementation)
    features, lengths = jnp.zeros((B, T, D)), jnp.asarray(LENGTHS)
    variables = jax.eval_shape(functools.partial(layer.init, train=False), jax.random.key(0), features, lengths)
    return "rnn_fwd" in str(jax.make_jaxpr(functools.partial(layer.apply, train=train))(variables, features, lengths))


@pytest.mark.skipif(cudnn_lstm.available(), reason="there is an NVIDIA device")
def test_without_an_nvidia_device_auto_is_the_scan_and_cudnn_an_error_only_in_training():
    assert not uses("auto")
    assert not uses("cudnn", train=False)
    with pytest.raises(ValueError, match=r"implementation='cudnn' needs an NVIDIA device.*cpu"):
        uses("cudnn")


def test_with_one_auto_trains_lstm_by_cudnn_and_reads_by_the_scan(lowered_for_cuda, monkeypatch):
    assert uses("auto")
    assert uses("cudnn")
    assert not uses("scan")
    assert not uses("auto", train=False)
    assert not uses("auto", "gru")
    with pytest.raises(ValueError, match=r"implementation='cudnn' .*model.recurrent.cell='gru'"):
        uses("cudnn", "gru")
    monkeypatch.setattr(jax, "device_count", lambda: 8)
    assert not uses("auto"), "nobody says how the batch is split"
    assert traced_on(make_mesh(devices=jax.devices()[:1]), uses)("auto")


@pytest.mark.parametrize(
    ("precision", "rounded"), [(None, True), ("bfloat16", True), ("tensorfloat32", True), ("highest", False)]
)
def test_products_are_as_exact_as_jax_is_told_to_be(precision, rounded, lowered_for_cuda):
    params, features = problem(2)
    with jax.default_matmul_precision(precision):
        text = str(jax.make_jaxpr(cudnn_lstm.lstm)(**params, features=features, lengths=jnp.asarray(LENGTHS)))
    assert f"cudnn_allow_tf32={rounded}" in text


@ONE_AND_TWO_WAYS
def test_counts_as_the_scan(directions, lowered_for_cuda):
    params, features = problem(directions)
    counts = [
        count_macs(
            functools.partial(RecurrentLayer(U, "lstm", directions, name).apply, train=True),
            {"params": params},
            features,
            jnp.asarray(LENGTHS),
        )
        for name in ("cudnn", "scan")
    ]
    assert counts[0] == counts[1] == B * T * directions * 4 * U * (D + U)


def tiny(implementation: str = "auto", dtype: str = "float32"):
    recurrent = RecurrentConfig(layers=2, units=4, projection=3, implementation=implementation)
    config = CRNNConfig(width=0.02, recurrent=recurrent, dtype=dtype)
    task = ReadingTask(CRNN(config, DIGITS.classes), TextCodec(DIGITS, 1))
    rows = np.arange(2, dtype=np.int32)
    batch = text_batch(np.zeros((2, 32, 32, 1), np.uint8), rows * 32, rows[:, None], rows)
    return task, batch, jax.eval_shape(task.init, jax.random.key(0), batch)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_training_step_lowered_for_cuda_calls_cudnn(dtype, lowered_for_cuda):
    task, batch, variables = tiny(dtype=dtype)
    gradient = jax.jit(jax.grad(lambda *args: task.losses[0].function(*args)[0], allow_int=True))
    with jax.sharding.use_abstract_mesh(nvidia_device()):
        text = gradient.trace(variables, batch, jax.random.key(0)).lower(lowering_platforms=("cuda",)).as_text()
    assert [text.count(f"@{target}(") for target in TARGETS] == [2, 2], "once each way for each layer"


@pytest.mark.parametrize("implementation", ["auto", "cudnn"])
def test_what_is_exported_never_does(implementation, lowered_for_cuda):
    task, _, variables = tiny(implementation)
    flat = {"/".join(k.key for k in path): x for path, x in jax.tree_util.tree_leaves_with_path(variables)}
    program = make_program(task, flat, Preprocess(32))
    assert program.platforms == ("cpu", "cuda", "tpu")
    assert not any(target in program.mlir_module() for target in TARGETS)
    images = jax.ShapeDtypeStruct((2, 32, 64, 1), np.uint8), jax.ShapeDtypeStruct((2, 2), np.int32)
    alone = export.export(jax.jit(task.predict), platforms=("cuda",))(variables, *images)
    assert not any(target in alone.mlir_module() for target in TARGETS)


SMALL = RecurrentConfig(units=4, projection=3)
MODELS = {
    "crnn": (CRNN(CRNNConfig(0.02, recurrent=SMALL), 5), (32, 32)),
    "plates_crnn": (CRNNPlate(CRNNPlateConfig(0.02, recurrent=SMALL), 5), (24, 94)),
    "plates": (PlateReader(PlateReaderConfig(0.02, recurrent=SMALL), 5), (32, 220)),
    "parts": (MultiTaskReader(MultiTaskConfig(width=0.1, recurrent=SMALL), ("price",), 5, 0, 4), (96, 200)),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_tells_its_layers_when_it_is_trained(name, monkeypatch):
    model, size = MODELS[name]
    told, apply = [], RecurrentStack.__call__

    def listen(self, *args, train):
        told.append(train)
        return apply(self, *args, train=train)

    monkeypatch.setattr(RecurrentStack, "__call__", listen)
    images, widths = jnp.zeros((2, *size, 1)), jnp.full(2, size[1])
    labels = ({"price": jnp.zeros((2, 3), jnp.int32)},) if name == "parts" else ()
    keys = {"params": jax.random.key(0), "dropout": jax.random.key(0)}
    for train in (True, False):
        jax.eval_shape(functools.partial(model.init, train=train), keys, images, widths, *labels)
    assert told == [True, False]


def split_over_devices() -> float:
    """The largest difference between one device and the four that this process has, in results and gradients."""
    cudnn_lstm.available = lambda: True
    rnn.lstm = reference
    params, features = problem(2, batch=8)
    lengths = jnp.array([7, 4, 1, 0, 6, 7, 2, 3])

    def loss(params, features):
        hidden = RecurrentLayer(U).apply({"params": params}, features, lengths, train=True)
        hidden = jnp.where((jnp.arange(T) < lengths[:, None])[..., None], hidden, 0.0)  # pyright: ignore
        return jnp.sum(jnp.sin(hidden)), hidden

    run = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)
    mesh = make_mesh(MeshConfig(fsdp=2))
    meshes.SMALL = 1  # so that the arrays of a tiny layer are split as well
    placed = jax.device_put(params, by_parameter(mesh, params)), jax.device_put(features, by_sample(mesh))
    split = jax.jit(traced_on(mesh, run)).lower(*placed)
    assert "manual_computation" in split.as_text(), "each device computes its rows"
    found = zip(jax.tree.leaves(split.compile()(*placed)), jax.tree.leaves(jax.jit(run)(params, features)), strict=True)
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in found)


def test_devices_of_a_mesh_compute_their_rows():
    command = [sys.executable, "-c", f"import json, {__name__} as t; print(json.dumps(t.split_over_devices()))"]
    done = subprocess.run(command, env=with_devices(4), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) < 1e-5


@pytest.mark.gpu
@pytest.mark.skipif(not cudnn_lstm.available(), reason="needs an NVIDIA device")
@ONE_AND_TWO_WAYS
@pytest.mark.parametrize(("precision", "tolerance"), [("highest", 2e-5), ("tensorfloat32", 2e-2)])
def test_cudnn_itself_equals_the_scan(precision, tolerance, directions):
    params, features = problem(directions, 32, 26, 64, 32)
    lengths = np.random.default_rng(2).integers(0, 27, 32)
    with jax.default_matmul_precision(precision):
        ours = results("cudnn", params, features, lengths)
    with jax.default_matmul_precision("highest"):
        theirs = results("scan", params, features, lengths)
    assert_same(ours, theirs, tolerance)
