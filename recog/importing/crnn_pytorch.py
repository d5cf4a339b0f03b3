"""Weights of meijieru/crnn.pytorch as variables of `recog.models.crnn.CRNN`."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recog.importing.state_dict import Place, StateDict, batch_norm, batch_statistics, convolution, fill, linear, size
from recog.models.crnn import CHANNELS, CRNN, HEIGHT, CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from recog.tasks.task import Variables

MODEL = "crnn.pytorch"

BATCH_NORM = (3, 5, 7)
"""Convolutions followed by batch normalisation, counted from 1."""


def convert(state_dict: StateDict) -> tuple[Variables, CRNNConfig]:
    """Converts a state dict to variables for ``CRNN(config, classes)``; its shapes tell the configuration.

    Pixels are -1..1 there as here, the blank is the first class, and the gates of the LSTMs come in the same order
    (i, f, g, o). PyTorch's two bias vectors of a direction are only ever added, so they become one.

    The weights do not tell whether the network was built with ``leakyRelu=True``, which is not its default and which
    `CRNN` does not have.

    Args:
      state_dict: tensors from `recog.importing.torch_file.load_state_dict`.

    Raises:
      WeightsError: names the tensors that are missing, unexpected or of a wrong shape.
    """
    config = CRNNConfig(
        width=size(state_dict, "cnn.conv0.weight", 0, MODEL) / CHANNELS[0],
        batch_norm=BATCH_NORM,
        recurrent=RecurrentConfig(
            layers=2,
            units=size(state_dict, "rnn.0.rnn.weight_hh_l0", 1, MODEL),
            projection=size(state_dict, "rnn.0.embedding.weight", 0, MODEL),
        ),
    )
    model = CRNN(config, classes=size(state_dict, "rnn.1.embedding.weight", 0, MODEL))
    images = jnp.zeros((1, HEIGHT, HEIGHT, size(state_dict, "cnn.conv0.weight", 1, MODEL)))
    expected = jax.eval_shape(lambda: model.init(jax.random.key(0), images, jnp.array([HEIGHT]), train=False))
    return fill(_places(), state_dict, dict(expected), MODEL), config


def _places() -> dict[str, Any]:
    params: dict[str, Any] = {
        "recurrent": {
            "layer1": _lstm("rnn.0.rnn"),
            "projection1": linear("rnn.0.embedding"),
            "layer2": _lstm("rnn.1.rnn"),
        },
        "classifier": linear("rnn.1.embedding"),
    }
    for number in range(1, len(CHANNELS) + 1):
        params[f"conv{number}"] = convolution(f"cnn.conv{number - 1}")
    for number in BATCH_NORM:
        params[f"norm{number}"] = batch_norm(f"cnn.batchnorm{number - 1}")
    stats = {f"norm{number}": batch_statistics(f"cnn.batchnorm{number - 1}") for number in BATCH_NORM}
    return {"params": params, "batch_stats": stats}


def _lstm(name: str) -> dict[str, Place]:
    """Both directions of a layer, forward first; PyTorch's matrices are (4 units, inputs)."""

    def tensors(*kinds: str) -> tuple[str, ...]:
        return tuple(f"{name}.{kind}_l0{way}" for way in ("", "_reverse") for kind in kinds)

    return {
        "kernel": Place(tensors("weight_ih"), lambda *ways: np.stack([way.transpose(1, 0) for way in ways])),
        "recurrent": Place(tensors("weight_hh"), lambda *ways: np.stack([way.transpose(1, 0) for way in ways])),
        "bias": Place(
            tensors("bias_ih", "bias_hh"),
            lambda *biases: np.stack([np.stack(biases[:2]).sum(0), np.stack(biases[2:]).sum(0)]),  # no broadcasting
        ),
    }
