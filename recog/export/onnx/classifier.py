"""Emitter of `recog.tasks.classifying`: backbone, mean, classifier, views, temperature."""

import numpy as np

from recog.export.onnx import efficientnet_lite, resnet, vgg
from recog.export.onnx.graph import Graph
from recog.export.onnx.layers import dense
from recog.export.onnx.module import Module
from recog.export.onnx.pictures import Pictures
from recog.models.classifier import Classifier
from recog.models.efficientnet_lite import VARIANTS
from recog.tasks.class_scores import SOFTMAX
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.views import CROP, PLACES


def emit(module: Module, task: ClassifyingTask, pictures: Pictures) -> tuple[str, str]:
    """Adds the classifier; returns logits and probabilities, ``B K``."""
    graph, softmax = module.graph, task.scores.kind == SOFTMAX
    views = _views(graph, pictures, task.views)
    x = graph.op("Concat", *views, axis=0) if len(views) > 1 else views[0]
    x = module["backbone"].mark(_backbone(module["backbone"], task.model, x))
    x = graph.reduce("ReduceMean", x, [2, 3])
    logits = dense(module["classifier"], x, order=(0, 1))
    if len(views) > 1:
        logits = _averaged(graph, graph.reshape(logits, len(views), -1, task.codec.classes), softmax)
    if task.temperature != 1:
        logits = graph.op("Div", logits, graph.constant(float(task.temperature)))
    return logits, graph.op("Softmax", logits, axis=1) if softmax else graph.op("Sigmoid", logits)


def _backbone(module: Module, model: Classifier, x: str) -> str:
    match model.config.backbone:
        case "resnet":
            return resnet.emit_backbone(module, x)
        case "vgg":
            return vgg.emit_backbone(module, x)
        case name:
            return efficientnet_lite.emit_backbone(module, VARIANTS[name.removeprefix("efficientnet_")], x)


def _views(graph: Graph, pictures: Pictures, names: tuple[str, ...]) -> list[str]:
    """Views of pictures that fill the input (`recog.tasks.views.views_of`)."""
    found = [pictures.pixels] if "whole" in names else []
    if "crops" in names:
        for across, down in PLACES:
            rows = graph.constant(_stretch(down, pictures.height))
            columns = graph.constant(_stretch(across, pictures.width).T)
            found.append(graph.op("MatMul", graph.op("MatMul", rows, pictures.pixels), columns))
    if "flip" in names:
        backwards = graph.constant(np.arange(pictures.width)[::-1])
        found += [graph.op("Gather", view, backwards, axis=3) for view in found]
    return found


def _stretch(place: float, size: int) -> np.ndarray:
    """Matrix that stretches a crop over an axis, as `recog.ops.crops.stretch` does.

    Args:
      place: position of the crop, as a fraction of the way from one border to the other.
      size: pixels of the axis.
    """
    start, length = place * (1 - CROP) * size, CROP * size
    points = start + (np.arange(size) + 0.5) * CROP - 0.5
    points = np.clip(np.clip(points, start, max(start, start + length - 1)), 0, size - 1)
    lower = np.floor(points).astype(int)
    matrix = np.zeros((size, size))
    rows = np.arange(size)
    np.add.at(matrix, (rows, lower), 1 - (points - lower))
    np.add.at(matrix, (rows, np.minimum(lower + 1, size - 1)), points - lower)
    return matrix


def _averaged(graph: Graph, logits: str, softmax: bool) -> str:
    """Logits of the mean probabilities (`recog.tasks.class_scores.ClassScores.averaged`), of logits ``V B K``."""

    def log_mean(logarithms: str) -> str:
        # Not ReduceLogSumExp, which OpenVINO 2026.4 takes over all axes.
        most = graph.reduce("ReduceMax", logarithms, [0], keepdims=True)
        mean = graph.reduce("ReduceMean", graph.op("Exp", graph.op("Sub", logarithms, most)), [0])
        return graph.op("Add", graph.op("Log", mean), graph.squeeze(most, 0))

    if softmax:
        return log_mean(graph.op("LogSoftmax", logits, axis=2))
    no = graph.op("Neg", graph.op("Softplus", logits))
    yes = graph.op("Add", logits, no)
    return graph.op("Sub", log_mean(yes), log_mean(no))
