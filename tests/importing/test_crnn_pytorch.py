"""Imported crnn.pytorch weights against its network in plain NumPy, and in PyTorch where that is installed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.importing.crnn_pytorch import convert
from recog.importing.state_dict import StateDict, WeightsError
from recog.models.crnn import CRNN, CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from tests.importing.numpy_layers import (
    convolve,
    normalise,
    random_batch_norm,
    random_convolution,
    relu,
    sigmoid,
    windows,
)

CHANNELS = np.array([64, 128, 256, 256, 512, 512, 512])
NORMALISED = (2, 4, 6)
"""Convolutions with batch normalisation, counted from 0."""

POOLS = {0: 2, 1: 2, 3: 1, 5: 1}
"""Width stride of the 2x2 pool after a convolution; where it is 1, a column is added on both sides."""

TINY = {"divisor": 16, "inputs": 1, "units": 6, "projection": 5, "classes": 7}


def random_weights(seed: int, divisor: int, inputs: int, units: int, projection: int, classes: int):
    random = np.random.default_rng(seed)
    weights = {}
    channels = [inputs, *(CHANNELS // divisor).tolist()]
    for number in range(7):
        size = 2 if number == 6 else 3
        shape = (channels[number + 1], channels[number], size, size)
        weights |= random_convolution(random, f"cnn.conv{number}", shape)
        if number in NORMALISED:
            weights |= random_batch_norm(random, f"cnn.batchnorm{number}", channels[number + 1])
    for layer, depth, outputs in ((0, channels[-1], projection), (1, projection, classes)):
        for way in ("", "_reverse"):
            shapes = {"weight_ih": (4 * units, depth), "weight_hh": (4 * units, units)}
            shapes |= {"bias_ih": (4 * units,), "bias_hh": (4 * units,)}
            for kind, shape in shapes.items():
                weights[f"rnn.{layer}.rnn.{kind}_l0{way}"] = random.normal(0, 0.5, shape).astype(np.float32)
        weights[f"rnn.{layer}.embedding.weight"] = random.normal(0, 0.5, (outputs, 2 * units)).astype(np.float32)
        weights[f"rnn.{layer}.embedding.bias"] = random.normal(0, 0.5, outputs).astype(np.float32)
    return weights


def port_logits(weights: StateDict, images: np.ndarray) -> np.ndarray:
    """B T K, of images B 32 W C."""
    x = images.transpose(0, 3, 1, 2).astype(np.float64)
    for number in range(7):
        x = convolve(x, weights, f"cnn.conv{number}", (0, 0) if number == 6 else (1, 1))
        x = relu(normalise(x, weights, f"cnn.batchnorm{number}") if number in NORMALISED else x)
        if stride := POOLS.get(number):
            side = 1 if stride == 1 else 0
            padded = np.pad(x, ((0, 0), (0, 0), (0, 0), (side, side)), constant_values=-np.inf)
            x = windows(padded, (2, 2), (2, stride)).max((4, 5))
    assert x.shape[2] == 1
    x = x[:, :, 0].transpose(0, 2, 1)
    for layer in (0, 1):
        backward = lstm(weights, f"rnn.{layer}.rnn", "_reverse", x[:, ::-1])[:, ::-1]
        both = np.concatenate([lstm(weights, f"rnn.{layer}.rnn", "", x), backward], axis=2)
        x = both @ weights[f"rnn.{layer}.embedding.weight"].T + weights[f"rnn.{layer}.embedding.bias"]
    return x


def lstm(weights: StateDict, name: str, way: str, x: np.ndarray) -> np.ndarray:
    """PyTorch's, as its documentation defines it."""
    of_input, of_hidden, bias_input, bias_hidden = (
        weights[f"{name}.{kind}_l0{way}"].astype(np.float64)
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    hidden = cell = np.zeros((len(x), of_hidden.shape[1]))
    out = []
    for frame in x.transpose(1, 0, 2):
        i, f, g, o = np.split(frame @ of_input.T + bias_input + hidden @ of_hidden.T + bias_hidden, 4, axis=1)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
        out.append(hidden)
    return np.stack(out, axis=1)


def torch_logits(torch, weights: StateDict, images: np.ndarray) -> np.ndarray:
    """The same network of PyTorch's own layers, which take the state dict as it is."""
    nn = torch.nn
    layers = {}
    for number in range(7):
        outputs, inputs, size, _ = weights[f"cnn.conv{number}.weight"].shape
        layers[f"conv{number}"] = nn.Conv2d(inputs, outputs, size, padding=0 if number == 6 else 1)
        if number in NORMALISED:
            layers[f"batchnorm{number}"] = nn.BatchNorm2d(outputs)
        layers[f"relu{number}"] = nn.ReLU()
        if stride := POOLS.get(number):
            layers[f"pool{number}"] = nn.MaxPool2d(2, (2, stride), (0, 1 if stride == 1 else 0))
    cnn = nn.Sequential()
    for name, layer in layers.items():
        cnn.add_module(name, layer)
    rnn = nn.ModuleList()
    for number in (0, 1):
        outputs, twice = weights[f"rnn.{number}.embedding.weight"].shape
        depth = weights[f"rnn.{number}.rnn.weight_ih_l0"].shape[1]
        recur = nn.LSTM(depth, twice // 2, bidirectional=True)
        rnn.append(nn.ModuleDict({"rnn": recur, "embedding": nn.Linear(twice, outputs)}))
    whole = nn.ModuleDict({"cnn": cnn, "rnn": rnn}).eval()
    whole.load_state_dict({name: torch.from_numpy(x) for name, x in weights.items()})
    with torch.no_grad():
        x = cnn(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).squeeze(2).permute(2, 0, 1)
        for layer in rnn:
            x = layer["embedding"](layer["rnn"](x)[0])
    return x.permute(1, 0, 2).numpy()


def our_logits(weights: StateDict, images: np.ndarray) -> np.ndarray:
    variables, config = convert(weights)
    widths = jnp.full(len(images), images.shape[2])
    model = CRNN(config, classes=len(weights["rnn.1.embedding.bias"]))
    frames = jax.jit(lambda variables, images: model.apply(variables, images, widths, train=False))(variables, images)
    return np.asarray(frames.logits)


@pytest.mark.parametrize("inputs", [1, 3])
def test_imported_weights_give_the_ports_logits(inputs):
    weights = random_weights(0, **{**TINY, "inputs": inputs})
    images = np.random.default_rng(1).uniform(-1, 1, (2, 32, 52, inputs)).astype(np.float32)
    np.testing.assert_allclose(our_logits(weights, images), port_logits(weights, images), atol=1e-4)


def test_imported_weights_give_pytorchs_logits():
    torch = pytest.importorskip("torch")
    weights = random_weights(2, **TINY)
    images = np.random.default_rng(3).uniform(-1, 1, (2, 32, 100, 1)).astype(np.float32)
    expected = torch_logits(torch, weights, images)
    assert expected.shape == (2, 26, 7)
    np.testing.assert_allclose(our_logits(weights, images), expected, atol=1e-4)


def test_the_tree_is_that_of_the_published_size():
    weights = random_weights(0, divisor=1, inputs=1, units=256, projection=256, classes=37)
    variables, config = convert(weights)
    assert config == CRNNConfig(batch_norm=(3, 5, 7))
    model = CRNN(config, 37)
    images, widths = jnp.zeros((1, 32, 100, 1)), jnp.array([100])
    expected = jax.eval_shape(lambda: model.init(jax.random.key(0), images, widths, train=False))
    assert jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), variables) == expected


def test_the_configuration_is_told_by_the_shapes():
    _, config = convert(random_weights(0, **TINY))
    recurrent = RecurrentConfig(layers=2, units=6, projection=5)
    assert config == CRNNConfig(width=1 / 16, batch_norm=(3, 5, 7), recurrent=recurrent)


def test_missing_and_unexpected_tensors_are_named():
    weights = random_weights(0, **TINY)
    for name in ("cnn.conv0.weight", "cnn.batchnorm4.running_var", "rnn.1.rnn.bias_hh_l0_reverse"):
        with pytest.raises(WeightsError, match=f"{name}.* missing"):
            convert({key: x for key, x in weights.items() if key != name})
    with pytest.raises(WeightsError, match=r"has no rnn\.0\.rnn\.weight_ih_l1"):
        convert({**weights, "rnn.0.rnn.weight_ih_l1": np.zeros((24, 12))})


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("cnn.conv3.weight", (16, 16, 2, 2)),
        ("cnn.conv0.weight", (4,)),
        ("rnn.0.rnn.weight_ih_l0", (32, 24)),
        ("rnn.0.rnn.weight_ih_l0_reverse", (18, 32)),
        ("rnn.1.rnn.bias_hh_l0", (1,)),
        ("rnn.1.rnn.bias_ih_l0_reverse", ()),
        ("rnn.0.embedding.weight", (5, 6)),
        ("rnn.1.embedding.bias", (8,)),
    ],
)
def test_wrong_shapes_are_named(name, shape):
    weights = random_weights(0, **TINY)
    with pytest.raises(WeightsError, match=name):
        convert({**weights, name: np.zeros(shape, np.float32)})
