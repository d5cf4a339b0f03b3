"""Emitter of `recog.models.crnn`."""

import numpy as np

from recog.export.onnx.frames import Frames, batch_first, columns_in_time
from recog.export.onnx.graph import Graph
from recog.export.onnx.layers import convolve, dense, max_pool, relu
from recog.export.onnx.module import IMAGES, Module
from recog.export.onnx.pictures import Pictures
from recog.export.onnx.recurrent import recurrent_stack
from recog.models.crnn import CHANNELS, POOLS, CRNNConfig


def emit(module: Module, config: CRNNConfig, pictures: Pictures) -> Frames:
    """Adds the reader, with the columns beyond each picture's width set to zero after every convolution."""
    graph, widths = module.graph, pictures.widths
    samples = graph.cast(graph.op("Greater", widths, graph.constant(0)), np.int64)
    x = _mask(graph, pictures.pixels, widths)
    for number in range(1, len(CHANNELS) + 1):
        if number == len(CHANNELS):
            widths = graph.op("Sub", widths, samples)
        if number not in config.without:
            x = _mask(graph, relu(graph, _convolve(module, config, x, number)), widths)
        if number in POOLS:
            wide = POOLS[number] == 1
            widths = graph.op("Add", widths, samples) if wide else graph.op("Div", widths, graph.constant(2))
            x = max_pool(graph, x, (2, 2), (2, POOLS[number]), (0, 1) if wide else (0, 0))
            x = _mask(graph, x, widths)
    x = columns_in_time(graph, x)
    live = graph.cast(graph.below(widths, graph.size(x, 0)), np.float32)
    live = graph.unsqueeze(graph.transpose(live, 1, 0), 2)
    x = recurrent_stack(module["recurrent"], config.recurrent, x, live)
    return batch_first(graph, dense(module["classifier"], x), widths)


def _convolve(module: Module, config: CRNNConfig, x: str, number: int) -> str:
    """A convolution with its batch normalisation, before the rectifier."""
    last, conv, norm = number == len(CHANNELS), module[f"conv{number}"], module[f"norm{number}"]
    normalized = number in config.batch_norm
    x = convolve(conv, x, padding=(0, 0) if last else (1, 1), norm=norm if normalized else None)
    return (norm if normalized else conv).mark(x, IMAGES)


def _mask(graph: Graph, x: str, widths: str) -> str:
    """Zeros columns beyond each picture's width."""
    live = graph.cast(graph.below(widths, graph.size(x, 3)), np.float32)
    return graph.op("Mul", x, graph.unsqueeze(live, 1, 2))
