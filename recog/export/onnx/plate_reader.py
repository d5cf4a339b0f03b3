"""Emitter of `recog.models.plate_reader`."""

from recog.export.onnx import stn
from recog.export.onnx.frames import Frames, all_frames, batch_first, columns_in_time
from recog.export.onnx.layers import batch_norm, conv_block, dense, leaky_relu, max_pool
from recog.export.onnx.module import IN_TIME, Module
from recog.export.onnx.pictures import Pictures
from recog.export.onnx.recurrent import recurrent_stack
from recog.models.plate_reader import PlateReaderConfig


def emit(module: Module, config: PlateReaderConfig, pictures: Pictures) -> Frames:
    """Adds the reader."""
    graph, x = module.graph, pictures.pixels
    if config.stn:
        x = stn.emit(module["stn"], x, pictures.height, pictures.width)
    x = columns_in_time(graph, _features(module["cnn"], x))
    x = recurrent_stack(module["recurrent"], config.recurrent, x, None)
    for number in range(1, config.fc_layers):
        x = leaky_relu(graph, dense(module[f"fc{number}"], x, IN_TIME))
    frames = batch_first(graph, dense(module["classifier"], x), "")
    return frames._replace(lengths=all_frames(graph, frames.logits, pictures.widths))


def _features(cnn: Module, x: str) -> str:
    """A `recog.models.plate_reader.ResidualCNN`."""
    graph = cnn.graph
    x = conv_block(cnn["conv1"], x, activation=leaky_relu)
    x = _residual(cnn["residual2"], _residual(cnn["residual1"], x))
    factor, shift = batch_norm(cnn["norm2"])
    x = cnn["norm2"].mark(graph.add(graph.multiply(x, factor[:, None, None]), shift[:, None, None]))
    for name in ("conv2", "conv3"):
        x = conv_block(cnn[name], x, activation=leaky_relu)
    return cnn.mark(max_pool(graph, x, (2, 2)))


def _residual(block: Module, x: str) -> str:
    """A `recog.models.plate_reader.ResidualBlock`."""
    graph, main = block.graph, max_pool(block.graph, x, (2, 2))
    main = conv_block(block["conv1"], main, activation=leaky_relu)
    main = conv_block(block["conv2"], main, activation=leaky_relu)
    main = conv_block(block["conv3"], main, activation=leaky_relu, strides=(2, 1))
    main = conv_block(block["conv4"], main, activation=None)
    shortcut = conv_block(block["shortcut"], x, activation=None, strides=(4, 2))
    return block.mark(leaky_relu(graph, graph.op("Add", main, shortcut)))
