"""Emitter of `recog.models.crnn_plate`."""

from recog.export.onnx.frames import Frames, all_frames, batch_first, columns_in_time
from recog.export.onnx.layers import conv_block, dense, max_pool
from recog.export.onnx.module import Module
from recog.export.onnx.pictures import Pictures
from recog.export.onnx.recurrent import recurrent_stack
from recog.models.crnn_plate import CHANNELS, POOLS, CRNNPlateConfig


def emit(module: Module, config: CRNNPlateConfig, pictures: Pictures) -> Frames:
    """Adds the reader."""
    graph, x = module.graph, pictures.pixels
    for number in range(1, len(CHANNELS) + 1):
        x = conv_block(module[f"conv{number}"], x)
        if number in POOLS:
            x = max_pool(graph, x, POOLS[number])
    x = recurrent_stack(module["recurrent"], config.recurrent, columns_in_time(graph, x), None)
    frames = batch_first(graph, dense(module["classifier"], x), "")
    return frames._replace(lengths=all_frames(graph, frames.logits, pictures.widths))
