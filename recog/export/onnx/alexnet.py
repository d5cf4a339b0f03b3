"""Emitter of `recog.models.alexnet`."""

from recog.export.onnx.frames import Frames, all_frames, batch_first, columns_in_time
from recog.export.onnx.layers import conv_block, dense, max_pool
from recog.export.onnx.module import Module
from recog.export.onnx.pictures import Pictures


def emit(module: Module, pictures: Pictures) -> Frames:
    """Adds the reader."""
    graph = module.graph
    x = conv_block(module["conv1"], pictures.pixels, strides=(2, 2))
    x = conv_block(module["conv2"], max_pool(graph, x, (2, 2)))
    x = max_pool(graph, x, (2, 1))
    for name in ("conv3", "conv4", "conv5"):
        x = conv_block(module[name], x)
    x = columns_in_time(graph, max_pool(graph, x, (3, 1)))
    frames = batch_first(graph, dense(module["classifier"], x), "")
    return frames._replace(lengths=all_frames(graph, frames.logits, pictures.widths))
