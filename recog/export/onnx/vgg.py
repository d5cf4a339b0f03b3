"""Emitter of `recog.models.vgg`."""

from recog.export.onnx.layers import conv_block, max_pool
from recog.export.onnx.module import Module
from recog.models.vgg import CHANNELS, POOLED


def emit_backbone(module: Module, x: str) -> str:
    """Adds the backbone."""
    for number in range(1, len(CHANNELS) + 1):
        x = conv_block(module[f"conv{number}"], x)
        if number in POOLED:
            x = max_pool(module.graph, x, (2, 2))
    return x
