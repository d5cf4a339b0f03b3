"""Emitter of `recog.models.stn`: localisation network and bilinear sampling."""

import numpy as np

from recog.export.onnx.graph import Graph
from recog.export.onnx.layers import conv_block, dense, leaky_relu, max_pool
from recog.export.onnx.module import Module
from recog.models.stn import CHANNELS

GRID_SAMPLE = 16
"""First opset with ``GridSample``; graphs of earlier ones gather the four neighbours of each point."""
_LINEAR = 20
"""First opset that calls bilinear sampling ``linear``."""


def emit(module: Module, pixels: str, height: int, width: int) -> str:
    """Adds a spatial transformer; returns the rectified pictures ``B C H W``."""
    graph = module.graph
    theta = _localize(module["localization"], pixels, height, width)  # B 6
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    points = np.stack([x.ravel(), y.ravel(), np.ones(height * width)])
    grid = graph.op("MatMul", graph.reshape(theta, 0, 2, 3), graph.constant(points))  # B 2 H*W
    sample = _grid_sample if graph.opset >= GRID_SAMPLE else _gather
    return module.mark(sample(graph, pixels, grid, height, width))


def _localize(module: Module, pixels: str, height: int, width: int) -> str:
    graph, x = module.graph, pixels
    for number in range(1, len(CHANNELS) + 1):
        x = conv_block(module[f"conv{number}"], x, activation=leaky_relu)
        if number == 1:
            x = max_pool(graph, x, (2, 2))
    hidden = _of_channels_first(module["hidden"], height // 2, width // 2)
    x = leaky_relu(graph, dense(hidden, graph.op("Flatten", x, axis=1), order=None))
    return dense(module["theta"], x, order=(0, 1))


def _of_channels_first(hidden: Module, rows: int, columns: int) -> Module:
    """The layer for features that are flattened from ``C H W``; Flax flattens ``H W C``."""
    kernel = hidden.param("kernel")
    units = kernel.shape[1]
    kernel = kernel.reshape(rows, columns, -1, units).transpose(2, 0, 1, 3).reshape(-1, units)
    return hidden._replace(arrays={**hidden.arrays, "/".join(("params", *hidden.path, "kernel")): kernel})


def _grid_sample(graph: Graph, pixels: str, grid: str, height: int, width: int) -> str:
    points = graph.reshape(graph.transpose(grid, 0, 2, 1), 0, height, width, 2)
    mode = "linear" if graph.opset >= _LINEAR else "bilinear"
    return graph.op("GridSample", pixels, points, align_corners=1, mode=mode, padding_mode="border")


def _gather(graph: Graph, pixels: str, grid: str, height: int, width: int) -> str:
    """Bilinear sampling of ``B C H W`` by a grid ``B 2 H*W`` in -1..1."""
    across, left, right = _neighbours(graph, graph.slice(grid, 1, 0, 1), width)
    down, top, bottom = _neighbours(graph, graph.slice(grid, 1, 1, 2), height)
    flat = graph.reshape(pixels, 0, 0, height * width)
    full = graph.op("Shape", flat)

    def at(row: str, column: str) -> str:
        index = graph.cast(graph.op("Add", graph.multiply(row, float(width)), column), np.int64)
        return graph.op("GatherElements", flat, graph.op("Expand", index, full), axis=2)

    def between(low: str, high: str, share: str) -> str:
        return graph.op("Add", low, graph.op("Mul", graph.op("Sub", high, low), share))

    upper = between(at(top, left), at(top, right), across)
    lower = between(at(bottom, left), at(bottom, right), across)
    return graph.reshape(between(upper, lower, down), 0, 0, height, width)


def _neighbours(graph: Graph, points: str, size: int) -> tuple[str, str, str]:
    """Share of the upper neighbour, and both neighbours' indices as floats, of points in -1..1 along an axis."""
    half, last = (size - 1) / 2, graph.constant(float(size - 1))
    place = graph.op("Clip", graph.multiply(graph.add(points, 1.0), half), graph.constant(0.0), last)
    lower = graph.op("Floor", place)
    return graph.op("Sub", place, lower), lower, graph.op("Min", graph.add(lower, 1.0), last)
