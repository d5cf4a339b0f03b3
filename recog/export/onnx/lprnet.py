"""Emitter of `recog.models.lprnet`, without its drawing head."""

import numpy as np

from recog.export.onnx.frames import Frames, all_frames
from recog.export.onnx.graph import Graph
from recog.export.onnx.layers import conv_block, convolve, max_pool, mean_pool
from recog.export.onnx.module import IMAGES, Module
from recog.export.onnx.pictures import Pictures
from recog.models.lprnet import LEAST_MEAN_SQUARE, LPRNetConfig

_LAST = 2**31 - 1
"""End of a slice that reaches to the end."""


def emit(module: Module, config: LPRNetConfig, pictures: Pictures) -> Frames:
    """Adds the reader."""
    graph = module.graph
    first = conv_block(module["conv1"], pictures.pixels, padding=(0, 0))
    second = _block(module["block1"], max_pool(graph, first, (3, 3), (1, 1)))
    x = max_pool(graph, graph.slice(second, 1, 0, _LAST, 2), (3, 3), (1, 2))
    third = _block(module["block3"], _block(module["block2"], x))
    x = max_pool(graph, graph.slice(third, 1, 0, _LAST, 4), (3, 3), (1, 2))
    fourth = conv_block(module["conv3"], conv_block(module["conv2"], x, padding=(0, 0)), padding=(0, 0))
    maps = (
        mean_pool(graph, first, (5, 5), (5, 5)),
        mean_pool(graph, second, (5, 5), (5, 5)),
        mean_pool(graph, third, (4, 10), (4, 2)),
        fourth,
    )
    live = _live(graph, pictures.widths) if config.context == "batch" else None
    features = graph.op("Concat", *(_balance(graph, x, live) for x in maps), axis=1)
    scores = module["classifier"].mark(convolve(module["classifier"], features), IMAGES)  # B K 4 18
    logits = graph.transpose(graph.reduce("ReduceMean", scores, [2]), 0, 2, 1)
    return Frames(logits, all_frames(graph, logits, pictures.widths))


def _block(block: Module, x: str) -> str:
    """A `recog.models.lprnet.SmallBasicBlock`."""
    for name in ("reduce", "vertical", "horizontal", "expand"):
        x = conv_block(block[name], x)
    return block.mark(x)


def _live(graph: Graph, widths: str) -> str:
    """1 for rows with a picture and 0 for others, ``B 1 1 1``."""
    live = graph.cast(graph.op("Greater", widths, graph.constant(0)), np.float32)
    return graph.unsqueeze(live, 1, 2, 3)


def _balance(graph: Graph, x: str, live: str | None) -> str:
    """Divides a feature map by its mean square over the sample, or over the ``live`` rows of the batch."""
    mean_square = graph.reduce("ReduceMean", graph.op("Mul", x, x), [1, 2, 3], keepdims=True)
    if live:
        total = graph.reduce("ReduceSum", graph.op("Mul", mean_square, live), [0], keepdims=True)
        count = graph.op("Max", graph.reduce("ReduceSum", live, [0], keepdims=True), graph.constant(1.0))
        mean_square = graph.op("Div", total, count)
    return graph.op("Div", x, graph.op("Max", mean_square, graph.constant(LEAST_MEAN_SQUARE)))
