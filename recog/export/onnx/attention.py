"""Emitter of `recog.models.attention`: greedy decoding, unrolled.

Unrolled, the graph needs neither ``Loop`` nor a sequence type, which importers support to different degrees; all steps
share their weights.
"""

from typing import NamedTuple

import numpy as np

from recog.export.onnx.graph import Graph
from recog.export.onnx.module import Module


class Spelled(NamedTuple):
    """Tensors of a greedy reading; one slot more than a text has tokens."""

    logits: str
    """``B S+1 K``."""
    places: str
    """Position with the highest attention weight, ``B S+1``."""


def run_greedily(decoder: Module, features: str, blank_id: int, steps: int) -> Spelled:
    """Adds `recog.models.attention.AttentionDecoder.run_freely`.

    Args:
      decoder: the decoder.
      features: outputs of the encoder for all positions, ``B T D``.
      blank_id: id of the start token.
      steps: maximum number of tokens.
    """
    graph = decoder.graph
    step = _Step(decoder, features)
    state = step.start()
    token_gates = graph.constant((decoder.param("token")[blank_id] + decoder.param("bias"))[None])
    logits, places = [], []
    for _ in range(steps + 1):
        state, place = step.advance(state, token_gates)
        scores = step.logits(state)
        token_gates = step.token_gates(scores)
        logits.append(graph.unsqueeze(scores, 1))
        places.append(place)
    return Spelled(graph.op("Concat", *logits, axis=1), graph.op("Concat", *places, axis=1))


class _State(NamedTuple):
    cell: str
    hidden: str


class _Step:
    """One step of the decoder; its constants are shared by all steps."""

    def __init__(self, decoder: Module, features: str):
        graph, self.units = decoder.graph, decoder.param("query").shape[0]
        self.graph, self.features = graph, features
        names = ("query", "query_bias", "score", "context", "recurrent", "output", "output_bias")
        self.weights = {name: graph.weights(decoder.param(name)) for name in names}
        self.tokens = graph.constant(decoder.param("token") + decoder.param("bias"))
        self.keys = graph.op("MatMul", features, graph.weights(decoder.param("position")))

    def start(self) -> _State:
        """Zeros ``B U``."""
        graph = self.graph
        rows = graph.op("Gather", graph.op("Shape", self.features), graph.constant([0]), axis=0)
        shape = graph.op("Concat", rows, graph.constant([self.units]), axis=0)
        zeros = graph.op("Expand", graph.constant(0.0), shape)
        return _State(zeros, zeros)

    def advance(self, state: _State, token_gates: str) -> tuple[_State, str]:
        """The next state, and the position that it attends to, ``B 1``."""
        graph, weights = self.graph, self.weights
        query = graph.op("Add", graph.op("MatMul", state.hidden, weights["query"]), weights["query_bias"])
        seen = graph.op("Tanh", graph.op("Add", self.keys, graph.unsqueeze(query, 1)))
        scores = graph.op("MatMul", seen, weights["score"])  # B T 1
        attention = graph.transpose(graph.op("Softmax", scores, axis=1), 0, 2, 1)  # B 1 T
        context = graph.squeeze(graph.op("MatMul", attention, self.features), 1)  # B D
        gates = graph.op("Add", token_gates, graph.op("MatMul", context, weights["context"]))
        gates = graph.op("Add", gates, graph.op("MatMul", state.hidden, weights["recurrent"]))
        place = graph.op("ArgMax", attention, axis=2, keepdims=0)
        return _lstm_step(graph, gates, state.cell, self.units), place

    def logits(self, state: _State) -> str:
        """Scores of the next token, ``B K``."""
        product = self.graph.op("MatMul", state.hidden, self.weights["output"])
        return self.graph.op("Add", product, self.weights["output_bias"])

    def token_gates(self, logits: str) -> str:
        """Contribution of the most probable token to the gates of the next step, ``B 4U``."""
        token = self.graph.op("ArgMax", logits, axis=1, keepdims=0)
        return self.graph.op("Gather", self.tokens, token, axis=0)


def _lstm_step(graph: Graph, gates: str, cell: str, units: int) -> _State:
    """See `recog.ops.recurrent_scan.lstm_step`."""
    i, f, g, o = graph.ops("Split", 4, gates, graph.constant([units] * 4), axis=1)
    kept = graph.op("Mul", graph.op("Sigmoid", f), cell)
    cell = graph.op("Add", kept, graph.op("Mul", graph.op("Sigmoid", i), graph.op("Tanh", g)))
    return _State(cell, graph.op("Mul", graph.op("Sigmoid", o), graph.op("Tanh", cell)))


def add_outputs(
    graph: Graph, spelled: Spelled, sample: str, blank_id: int, sizes: tuple[int, int], suffix: str
) -> None:
    """Adds the outputs of a greedy reading, with the names of those of CTC.

    ``tokens`` (B S+1) holds the blank at and after the end, ``path`` the most probable class of every slot,
    ``confidences`` its probability, ``places`` the position of the encoder that it attended to.

    Args:
      graph: graph with the decoder.
      spelled: greedy reading.
      sample: whether each row holds a picture.
      blank_id: id of the end token.
      sizes: number of slots and of classes.
      suffix: appended to the names of the outputs.
    """
    (count, classes), blank = sizes, graph.constant(blank_id)
    path = graph.op("ArgMax", spelled.logits, axis=2, keepdims=0)
    ends = graph.op("CumSum", graph.cast(graph.op("Equal", path, blank), np.int32), graph.constant(1))
    tokens = graph.op("Where", graph.op("Equal", ends, graph.constant(0, np.int32)), path, blank)
    best = graph.reduce("ReduceMax", graph.op("Softmax", spelled.logits, axis=2), [2])
    lengths = graph.op("Where", sample, graph.constant(count), graph.constant(0))
    graph.output(f"logits{suffix}", spelled.logits, np.float32, ("batch", count, classes))
    graph.output(f"logit_lengths{suffix}", graph.cast(lengths, np.int32), np.int32, ("batch",))
    graph.output(f"path{suffix}", graph.cast(path, np.int32), np.int32, ("batch", count))
    graph.output(f"tokens{suffix}", graph.cast(tokens, np.int32), np.int32, ("batch", count))
    graph.output(f"confidences{suffix}", best, np.float32, ("batch", count))
    graph.output(f"places{suffix}", graph.cast(spelled.places, np.int32), np.int32, ("batch", count))
