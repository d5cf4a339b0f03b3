"""Frames of a reader in a graph, and the best path through them."""

from typing import NamedTuple

import numpy as np

from recog.export.onnx.graph import Graph


class Frames(NamedTuple):
    """Tensors of `recog.models.frames.Frames`."""

    logits: str
    """``B T K``."""
    lengths: str
    """``B``, int64."""


def batch_first(graph: Graph, logits: str, lengths: str) -> Frames:
    """Frames of logits ``T B K``."""
    return Frames(graph.transpose(logits, 1, 0, 2), lengths)


def columns_in_time(graph: Graph, x: str) -> str:
    """Features ``B D 1 T`` as ``T B D``."""
    return graph.transpose(graph.squeeze(x, 2), 2, 0, 1)


def all_frames(graph: Graph, logits: str, widths: str) -> str:
    """Number of frames of each picture, of logits ``B T K``: all, or none in rows of width 0."""
    sample = graph.op("Greater", widths, graph.constant(0))
    return graph.op("Where", sample, graph.size(logits, 1), graph.constant(0))


def add_outputs(graph: Graph, frames: Frames, blank_id: int, sizes: tuple[int | str, int], suffix: str = "") -> None:
    """Adds the frames and their best path as outputs.

    The path stays in place, because packing needs a scatter with a reduction, which TensorRT ignores or refuses:
    ``tokens`` (B T) holds the id where a run of the best path starts and the blank elsewhere, so that readers drop
    blanks. ``path`` (B T) holds the most probable class of each frame (the blank in padding) and ``confidences``
    (B T) its probability (0 in padding).

    Args:
      graph: graph with the frames.
      frames: logits and number of frames.
      blank_id: id of the blank.
      sizes: T (a name if it depends on the width) and K.
      suffix: appended to the names of the outputs.
    """
    blank, (count, classes) = graph.constant(blank_id), sizes
    live = graph.below(frames.lengths, graph.size(frames.logits, 1))
    path = graph.op("Where", live, graph.op("ArgMax", frames.logits, axis=2, keepdims=0), blank)
    before = graph.op("Pad", graph.slice(path, 1, 0, -1), graph.constant([0, 1, 0, 0]), blank)
    repeated = graph.op("Equal", path, before)
    tokens = graph.op("Where", repeated, blank, path)
    best = graph.reduce("ReduceMax", graph.op("Softmax", frames.logits, axis=2), [2])
    confidences = graph.op("Where", live, best, graph.constant(0.0))
    graph.output(f"logits{suffix}", frames.logits, np.float32, ("batch", count, classes))
    graph.output(f"logit_lengths{suffix}", graph.cast(frames.lengths, np.int32), np.int32, ("batch",))
    graph.output(f"path{suffix}", graph.cast(path, np.int32), np.int32, ("batch", count))
    graph.output(f"tokens{suffix}", graph.cast(tokens, np.int32), np.int32, ("batch", count))
    graph.output(f"confidences{suffix}", confidences, np.float32, ("batch", count))
