"""Convolutions with folded batch normalisation, dense layers, activations and pools; images are ``B C H W``."""

from collections.abc import Callable

import numpy as np

from recog.export.onnx.graph import Graph
from recog.export.onnx.module import IN_TIME, Module
from recog.ops.batch_norm import EPSILON

Activation = Callable[[Graph, str], str]
Padding = tuple[int, int]
"""Rows above and below, and columns on the left and on the right."""


def relu(graph: Graph, x: str) -> str:
    """Rectifier."""
    return graph.op("Relu", x)


def relu6(graph: Graph, x: str) -> str:
    """Rectifier up to 6."""
    return graph.op("Clip", x, graph.constant(0.0), graph.constant(6.0))


def leaky_relu(graph: Graph, x: str) -> str:
    """Leaky rectifier with Flax's slope of 0.01."""
    return graph.op("LeakyRelu", x, alpha=0.01)


def batch_norm(module: Module, epsilon: float = EPSILON) -> tuple[np.ndarray, np.ndarray]:
    """Factor and summand of each channel that normalise by the running statistics; computed in float64."""
    scale, bias, mean, variance = (
        np.asarray(array, np.float64)
        for array in (
            module.param("scale"),
            module.param("bias"),
            module.statistic("mean"),
            module.statistic("var"),
        )
    )
    factor = scale / np.sqrt(variance + epsilon)
    return factor, bias - mean * factor


def convolve(
    conv: Module,
    x: str,
    *,
    strides: tuple[int, int] = (1, 1),
    padding: Padding | str | None = None,
    norm: Module | None = None,
    epsilon: float = EPSILON,
    depthwise: bool = False,
) -> str:
    """Convolution with its bias, and the batch normalisation that follows it folded into both.

    Args:
      conv: module with ``kernel`` (Y X C D) and perhaps ``bias``.
      x: images.
      strides: strides down and across.
      padding: rows and columns of zeros on each side; None pads half the kernel, ``SAME`` as TensorFlow does.
      norm: batch normalisation that follows.
      epsilon: added to its variance.
      depthwise: whether every channel is convolved alone.
    """
    graph, kernel = conv.graph, conv.param("kernel")
    bias = np.asarray(conv.param("bias"), np.float64) if conv.has("bias") else None
    rows, columns, _, channels = kernel.shape
    scale = None
    if norm:
        factor, shift = batch_norm(norm, epsilon)
        scale, bias = factor[:, None, None, None], shift + (0 if bias is None else bias * factor)
    inputs = [x, graph.weights(kernel.transpose(3, 2, 0, 1), scale)]
    if bias is not None:
        inputs.append(graph.constant(bias, np.float32))
    if padding == "SAME":
        margins = {"auto_pad": "SAME_UPPER"}
    else:
        down, across = (rows // 2, columns // 2) if padding is None else padding
        margins = {"pads": (down, across, down, across)}
    groups = channels if depthwise else 1
    return graph.op("Conv", *inputs, kernel_shape=(rows, columns), strides=strides, group=groups, **margins)


def conv_block(
    block: Module,
    x: str,
    *,
    activation: Activation | None = relu,
    strides: tuple[int, int] = (1, 1),
    padding: Padding | str | None = None,
    epsilon: float = EPSILON,
    depthwise: bool = False,
) -> str:
    """A `recog.ops.conv_block.ConvBlock`; arguments as for `convolve`."""
    norm = block["norm"] if block["norm"].has("scale") else None
    x = convolve(block["conv"], x, strides=strides, padding=padding, norm=norm, epsilon=epsilon, depthwise=depthwise)
    return block.mark(activation(block.graph, x) if activation else x)


def dense(module: Module, x: str, order: tuple[int, ...] | None = IN_TIME) -> str:
    """Linear layer over the last axis; ``order`` is that of `Graph.mark`, None marks nothing."""
    graph = module.graph
    y = graph.add(graph.op("MatMul", x, graph.weights(module.param("kernel"))), module.param("bias"))
    return module.mark(y, order) if order else y


def max_pool(
    graph: Graph,
    x: str,
    window: tuple[int, int],
    strides: tuple[int, int] | None = None,
    padding: Padding = (0, 0),
) -> str:
    """Maxima of windows; strides default to the window."""
    down, across = padding
    return graph.op("MaxPool", x, kernel_shape=window, strides=strides or window, pads=(down, across, down, across))


def mean_pool(graph: Graph, x: str, window: tuple[int, int], strides: tuple[int, int]) -> str:
    """Means of windows, without padding."""
    return graph.op("AveragePool", x, kernel_shape=window, strides=strides)
