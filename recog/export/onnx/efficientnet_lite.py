"""Emitter of `recog.models.efficientnet_lite`."""

import functools

from recog.export.onnx.layers import conv_block, relu6
from recog.export.onnx.module import Module
from recog.models.efficientnet_lite import EPSILON, Stage, Variant

_convolve = functools.partial(conv_block, padding="SAME", epsilon=EPSILON)


def emit_backbone(module: Module, variant: Variant, x: str) -> str:
    """Adds the backbone."""
    graph = module.graph
    x = graph.multiply(graph.add(graph.multiply(x, 127.5), 0.5), 1 / 128)
    x = _convolve(module["stem"], x, activation=relu6, strides=(2, 2))
    number = 0
    for stage in variant.stages:
        for index in range(stage.blocks):
            x = _block(module[f"block{number}"], stage, stage.stride if index == 0 else 1, x)
            number += 1
    return _convolve(module["head"], x, activation=relu6)


def _block(block: Module, stage: Stage, stride: int, x: str) -> str:
    """A `recog.models.efficientnet_lite.Block`."""
    y = _convolve(block["expand"], x, activation=relu6) if stage.expansion > 1 else x
    y = _convolve(block["depthwise"], y, activation=relu6, strides=(stride, stride), depthwise=True)
    y = _convolve(block["project"], y, activation=None)
    first = block["expand"] if stage.expansion > 1 else block["depthwise"]
    channels = first["conv"].param("kernel").shape[2 if stage.expansion > 1 else 3]
    same = stride == 1 and channels == stage.channels
    return block.mark(block.graph.op("Add", x, y) if same else y)
