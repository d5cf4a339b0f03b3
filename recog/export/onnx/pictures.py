"""Inputs of a program: pixels in one of two layouts, made into what the models take."""

from typing import NamedTuple

import numpy as np

from recog.export.onnx.graph import Graph
from recog.preprocess import Preprocess

UINT8, FLOAT = "nhwc_uint8", "nchw_float"
LAYOUTS = (UINT8, FLOAT)
"""``nhwc_uint8`` takes what the StableHLO program takes; ``nchw_float`` what callers of PaddleOCR and RapidOCR give."""
GRAY = (0.114, 0.587, 0.299)
"""Shares of blue, green and red in the luma of ITU-R BT.601, as OpenCV converts."""


class Pictures(NamedTuple):
    """Tensors of a batch."""

    pixels: str
    """``B C H W`` in -1..1, padding included."""
    sizes: str
    """Height and width of each picture without its padding, int64 ``B 2``."""
    widths: str
    """Width of each picture, int64 ``B``."""
    height: int
    width: int
    """Height and width of the pictures; a width of 0 is any."""


def take_pictures(graph: Graph, layout: str, preprocess: Preprocess) -> Pictures:
    """Adds the inputs of a layout.

    ``nhwc_uint8``: ``images``, uint8 B H W C, and ``sizes``, int32 B 2. ``nchw_float``: ``x``, float32 B 3 H W with
    channels blue, green, red, ``(pixel / 255 - 0.5) / 0.5``, padded with zeros on the right.
    """
    size = preprocess.height, preprocess.width
    if layout == FLOAT:
        pixels = _take_floats(graph, preprocess)
        sizes = graph.op("Concat", *_sizes(graph, pixels, preprocess), axis=1)
    else:
        shape = ("batch", preprocess.height, preprocess.width or "width", preprocess.channels)
        images = graph.cast(graph.input("images", np.uint8, shape), np.float32)
        pixels = graph.add(graph.op("Div", graph.transpose(images, 0, 3, 1, 2), graph.constant(127.5)), -1.0)
        sizes = graph.cast(graph.input("sizes", np.int32, ("batch", 2)), np.int64)
    widths = graph.squeeze(graph.slice(sizes, 1, 1, 2), 1)
    return Pictures(pixels, sizes, widths, *size)


def _take_floats(graph: Graph, preprocess: Preprocess) -> str:
    """Pixels of the layout of PaddleOCR in our order of channels."""
    x = graph.input("x", np.float32, ("batch", 3, preprocess.height, preprocess.width or "width"))
    if preprocess.channels == 3:
        return graph.op("Gather", x, graph.constant([2, 1, 0]), axis=1)
    return graph.reduce("ReduceSum", graph.multiply(x, np.array(GRAY, np.float32)[:, None, None]), [1], keepdims=True)


def _sizes(graph: Graph, pixels: str, preprocess: Preprocess) -> tuple[str, str]:
    """Heights and widths, ``B 1`` each.

    Callers pad with zeros and do not tell widths. No pixel becomes zero (127.5 is not an integer), so that a picture
    ends at its last column that is not zero, and a row of zeros is one without a picture.
    """
    most = graph.reduce("ReduceMax", graph.op("Abs", pixels), [1, 2])
    live = graph.cast(graph.op("Greater", most, graph.constant(0.0)), np.int64)
    if preprocess.width:
        ends = graph.constant([[preprocess.width]])
    else:
        ends = graph.op("Range", graph.constant(1), graph.add(graph.size(pixels, 3), 1), graph.constant(1))
    widths = graph.reduce("ReduceMax", graph.op("Mul", live, ends), [1], keepdims=True)
    return graph.op("Expand", graph.constant([[preprocess.height]]), _rows_by_one(graph, pixels)), widths


def _rows_by_one(graph: Graph, pixels: str) -> str:
    """The shape ``B 1``."""
    rows = graph.op("Gather", graph.op("Shape", pixels), graph.constant([0]), axis=0)
    return graph.op("Concat", rows, graph.constant([1]), axis=0)
