"""Recurrent layers as native ONNX nodes that neither read nor write padding.

OpenVINO misreads ``sequence_lens`` (logits off by 3 and more, without an error), so that padding is told by one more
input feature: 1 in padding and 0 elsewhere. Its weight closes the gates i, o and f of an LSTM, whose state and output
are then exactly zero, and opens the update gate of a GRU, whose state then stays as it is: zero before the first live
frame of the backward direction. ``initial_h`` is left out, because it would fix the batch size.
"""

import numpy as np

from recog.export.onnx.graph import Graph
from recog.export.onnx.layers import dense
from recog.export.onnx.module import IN_TIME, Module
from recog.ops.recurrent import RecurrentConfig

CLOSED = 1e4
"""Absolute weight of the feature that marks padding; its sigmoid is exactly 0 or 1 in float32, and float16 holds it."""
_DIRECTIONS = {1: "forward", 2: "bidirectional"}


def recurrent_stack(module: Module, config: RecurrentConfig, x: str, live: str | None) -> str:
    """A `recog.ops.recurrent.RecurrentStack`.

    Args:
      module: the stack.
      config: its settings.
      x: features ``T B D``.
      live: mask ``T B 1``, float32, 0 in padding; None if all frames are live.
    """
    graph = module.graph
    padding = graph.op("Sub", graph.constant(1.0), live) if live else None
    for number in range(1, config.layers + 1):
        x = _layer(module[f"layer{number}"], config, x, live, padding)
        if number < config.layers and config.projection:
            x = dense(module[f"projection{number}"], x)
    return x


def _layer(layer: Module, config: RecurrentConfig, x: str, live: str | None, padding: str | None) -> str:
    """One layer: features ``T B D`` to hidden states ``T B directions*U``, zero in padding."""
    graph, units = layer.graph, config.units
    weights, recurrent, bias = _lstm_weights(layer) if config.cell == "lstm" else _gru_weights(layer)
    if padding:
        x = graph.op("Concat", x, padding, axis=2)
        gates = (-CLOSED, -CLOSED, -CLOSED, 0.0) if config.cell == "lstm" else (CLOSED, 0.0, 0.0)
        column = np.repeat(gates, units)[None, :, None].repeat(config.directions, axis=0)
        weights = np.concatenate([weights, column], axis=2)
    kind, options = ("LSTM", {}) if config.cell == "lstm" else ("GRU", {"linear_before_reset": 1})
    arrays = graph.weights(weights), graph.weights(recurrent), graph.constant(bias, np.float32)
    hidden = graph.op(kind, x, *arrays, hidden_size=units, direction=_DIRECTIONS[config.directions], **options)
    hidden = _join_directions(graph, hidden, config.directions * units)
    if live and config.cell == "gru":
        hidden = graph.op("Mul", hidden, live)
    return layer.mark(hidden, IN_TIME)


def _join_directions(graph: Graph, hidden: str, features: int) -> str:
    """``T directions B U`` to ``T B directions*U``."""
    return graph.reshape(graph.transpose(hidden, 0, 2, 1, 3), 0, 0, features)


def _lstm_weights(layer: Module) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights in ONNX's order of gates, i, o, f, g, of ours, i, f, g, o."""
    order = (0, 3, 1, 2)
    kernel, recurrent, bias = (_gates(layer.param(name), order) for name in ("kernel", "recurrent", "bias"))
    return _outputs_first(kernel), _outputs_first(recurrent), np.concatenate([bias, np.zeros_like(bias)], axis=-1)


def _gru_weights(layer: Module) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights in ONNX's order of gates, z, r, n, of ours, r, z, n."""
    order = (1, 0, 2)
    kernel, recurrent, bias = (_gates(layer.param(name), order) for name in ("kernel", "recurrent", "bias"))
    of_n = layer.param("recurrent_bias")
    recurrent_bias = np.pad(of_n, ((0, 0), (2 * of_n.shape[1], 0)))
    return _outputs_first(kernel), _outputs_first(recurrent), np.concatenate([bias, recurrent_bias], axis=-1)


def _gates(array: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The array with the gates of its last axis in another order."""
    parts = np.split(array, len(order), axis=-1)
    return np.concatenate([parts[gate] for gate in order], axis=-1)


def _outputs_first(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 2, 1)
