"""Emitters of `recog.models.resnet`: the reader and the backbone."""

from recog.export.onnx.frames import Frames, all_frames, batch_first, columns_in_time
from recog.export.onnx.layers import conv_block, dense, max_pool
from recog.export.onnx.module import Module
from recog.export.onnx.pictures import Pictures
from recog.models.resnet import STAGES_18, STAGES_29


def emit(module: Module, pictures: Pictures) -> Frames:
    """Adds the reader `recog.models.resnet.ResNet18`."""
    graph = module.graph
    x = max_pool(graph, conv_block(module["conv1"], pictures.pixels), (2, 2))
    for stage, (_, strides) in enumerate(STAGES_18, start=1):
        x = _block(module[f"stage{stage}_block1"], x, strides)
        x = _block(module[f"stage{stage}_block2"], x)
    frames = batch_first(graph, dense(module["classifier"], columns_in_time(graph, x)), "")
    return frames._replace(lengths=all_frames(graph, frames.logits, pictures.widths))


def emit_backbone(module: Module, x: str) -> str:
    """Adds the backbone `recog.models.resnet.ResNet29`."""
    x = conv_block(module["conv0_2"], conv_block(module["conv0_1"], x))
    for stage, (_, blocks) in enumerate(STAGES_29, start=1):
        if stage < len(STAGES_29):
            x = max_pool(module.graph, x, (2, 2))
        for block in range(1, blocks + 1):
            x = _block(module[f"stage{stage}_block{block}"], x)
        x = conv_block(module[f"conv{stage}" if stage < len(STAGES_29) else "conv4_1"], x)
    return conv_block(module["conv4_2"], x)


def _block(block: Module, x: str, strides: tuple[int, int] = (1, 1)) -> str:
    """A `recog.models.resnet.BasicBlock`."""
    y = conv_block(block["conv2"], conv_block(block["conv1"], x, strides=strides), activation=None)
    if block["shortcut"]["conv"].has("kernel"):
        x = conv_block(block["shortcut"], x, activation=None, strides=strides)
    return block.mark(block.graph.op("Relu", block.graph.op("Add", x, y)))
