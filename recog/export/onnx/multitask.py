"""Emitter of `recog.models.multitask`."""

import numpy as np

from recog.export.onnx import attention, frames, resnet, vgg
from recog.export.onnx.layers import dense
from recog.export.onnx.module import Module
from recog.export.onnx.pictures import Pictures
from recog.export.onnx.recurrent import recurrent_stack
from recog.models.multitask import STRIDE, MultiTaskReader


def emit(module: Module, model: MultiTaskReader, pictures: Pictures) -> None:
    """Adds the reader and the outputs of its branches, each with the name of the branch after a point."""
    graph, config = module.graph, model.config
    backbone = resnet.emit_backbone if config.backbone == "resnet" else vgg.emit_backbone
    x = module["backbone"].mark(backbone(module["backbone"], pictures.pixels))
    x = graph.reshape(graph.transpose(x, 3, 0, 2, 1), 0, 0, _depth(module))
    x = recurrent_stack(module["encoder"], config.recurrent, x, None)  # T B D
    sample = graph.op("Greater", pictures.widths, graph.constant(0))
    x = graph.op("Mul", x, graph.unsqueeze(graph.cast(sample, np.float32), 1))
    count = pictures.width // STRIDE
    lengths = graph.op("Where", sample, graph.constant(count), graph.constant(0))
    for name in model.branches:
        decoder, suffix = module[f"decoders_{name}"], f".{name}"
        if config.decoder == "ctc":
            found = frames.batch_first(graph, dense(decoder, x), lengths)
            frames.add_outputs(graph, found, model.blank_id, (count, model.classes), suffix)
        else:
            spelled = attention.run_greedily(decoder, graph.transpose(x, 1, 0, 2), model.blank_id, model.steps)
            sizes = model.steps + 1, model.classes
            attention.add_outputs(graph, spelled, sample, model.blank_id, sizes, suffix)


def _depth(module: Module) -> int:
    """Features of a position: inputs of the encoder's first layer."""
    return module["encoder"]["layer1"].param("kernel").shape[1]
