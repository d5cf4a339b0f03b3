"""Emitter of `recog.tasks.locating`: YOLO, its boxes, and optionally non-maximum suppression."""

import functools
from typing import NamedTuple

import numpy as np

from recog.detection.positions import LARGEST, PRIORS, STRIDES, make_positions
from recog.export.onnx.graph import Graph
from recog.export.onnx.layers import conv_block, convolve
from recog.export.onnx.module import Module
from recog.export.onnx.pictures import Pictures
from recog.models.darknet import FEATURES, STAGES
from recog.models.yolo import BOX, CORNERS, RARE, YOLOConfig
from recog.tasks.locating import CANDIDATES, DETECTIONS, DUPLICATE, LEAST


def _leaky(graph: Graph, x: str) -> str:
    return graph.op("LeakyRelu", x, alpha=0.1)


def _convolve(conv: Module, x: str, strides: tuple[int, int] = (1, 1)) -> str:
    """A `recog.models.darknet.DarknetConv`."""
    return conv_block(conv["block"], x, activation=_leaky, strides=strides)


class Found(NamedTuple):
    """Tensors of detections by decreasing score; scores of 0 are no detections."""

    boxes: str
    """``B N 4``."""
    corners: str
    """``B N 4 2``."""
    classes: str
    """``B N``, int64."""
    scores: str
    """``B N``."""


def emit(module: Module, config: YOLOConfig, classes: int, pictures: Pictures) -> Found:
    """Adds the detector; returns its `CANDIDATES`, duplicates included."""
    graph = module.graph
    heads = _heads(module, config, pictures.pixels)
    found = [_rows(graph, found, pictures, stride, BOX + 1 + classes) for stride, (found, _) in heads.items()]
    corners = [_rows(graph, corners, pictures, stride, CORNERS) for stride, (_, corners) in heads.items()]
    return _ranked(
        graph, config, graph.op("Concat", *found, axis=1), graph.op("Concat", *corners, axis=1), classes, pictures
    )


def _heads(module: Module, config: YOLOConfig, pixels: str) -> dict[int, tuple[str, str]]:
    """Raw predictions and corners of each stride, by increasing stride."""
    graph, above, heads = module.graph, None, {}
    features = _darknet(module["backbone"], config, pixels)
    for stride, x in zip(reversed(STRIDES), reversed(features), strict=True):
        if above is not None:
            above = _doubled(graph, _convolve(module[f"from{2 * stride}"], above))
            x = graph.op("Concat", above, x, axis=1)
        for place in range(2):
            x = _convolve(module[f"neck{stride}_squeeze{place}"], x)
            x = _convolve(module[f"neck{stride}_expand{place}"], x)
        above = _convolve(module[f"neck{stride}_squeeze2"], x)
        x = _convolve(module[f"head{stride}_expand"], above)
        heads[stride] = convolve(module[f"head{stride}"], x), convolve(module[f"corners{stride}"], x)
    return {stride: heads[stride] for stride in STRIDES}


def _darknet(module: Module, config: YOLOConfig, x: str) -> list[str]:
    """A `recog.models.darknet.Darknet`."""
    graph, halved, results = module.graph, config.patch.bit_length() - 1, []
    if config.patch > 1:
        x = _space_to_depth(graph, x, config.patch)
    x = _convolve(module["stem"], x)
    for stage, blocks in enumerate(config.blocks):
        if stage >= halved:
            x = _convolve(module[f"stage{stage}_down"], x, (2, 2))
        for block in range(blocks):
            name = f"stage{stage}_block{block}"
            y = _convolve(module[f"{name}_expand"], _convolve(module[f"{name}_squeeze"], x))
            x = graph.op("Add", x, y)
        results.append(x)
    return results[len(STAGES) - FEATURES :]


def _space_to_depth(graph: Graph, x: str, patch: int) -> str:
    """Joins squares of pixels; Flax puts the place within the square before the channel, as ``SpaceToDepth`` does."""
    return graph.op("SpaceToDepth", x, blocksize=patch)


def _doubled(graph: Graph, x: str) -> str:
    """Repeats every pixel in both directions."""
    return graph.op(
        "Resize",
        x,
        "",
        graph.constant([1.0, 1.0, 2.0, 2.0]),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _rows(graph: Graph, x: str, pictures: Pictures, stride: int, numbers: int) -> str:
    """A head's ``B PRIORS*numbers Y X`` as ``B Y*X*PRIORS numbers``."""
    count = (pictures.height // stride) * (pictures.width // stride) * PRIORS
    return graph.reshape(graph.transpose(x, 0, 2, 3, 1), 0, count, numbers)


def _ranked(graph: Graph, config: YOLOConfig, raw: str, corners: str, classes: int, pictures: Pictures) -> Found:
    """Decoded boxes with the highest scores, as `recog.tasks.locating.LocatingTask.predict` finds them."""
    at = make_positions(config.priors, pictures.height, pictures.width)
    cells, strides, priors = map(graph.constant, at)
    borders = graph.cast(graph.op("Gather", pictures.sizes, graph.constant([1, 0]), axis=1), np.float32)
    borders = graph.unsqueeze(borders, 1)  # B 1 2
    within = graph.op("Mul", graph.op("Sigmoid", graph.slice(raw, 2, 0, 2)), strides)
    centres = graph.op("Add", within, cells)
    sizes = graph.op("Exp", graph.op("Min", graph.slice(raw, 2, 2, BOX), graph.constant(LARGEST)))
    half = graph.op("Mul", graph.multiply(sizes, 0.5), priors)
    low, high = (graph.op(kind, centres, half) for kind in ("Sub", "Add"))
    low, high = (graph.op("Min", graph.op("Max", x, graph.constant(0.0)), borders) for x in (low, high))
    presence = graph.op("Sigmoid", graph.add(graph.slice(raw, 2, BOX, BOX + 1), RARE))
    chances = graph.op("Mul", presence, graph.op("Sigmoid", graph.slice(raw, 2, BOX + 1, BOX + 1 + classes)))
    outside = graph.op("GreaterOrEqual", cells, borders)
    empty = graph.op("LessOrEqual", high, low)
    wrong = graph.reduce("ReduceMax", graph.cast(graph.op("Or", outside, empty), np.float32), [2])
    right = graph.op("Sub", graph.constant(1.0), wrong)
    ranked = graph.op("Mul", graph.reduce("ReduceMax", chances, [2]), right)
    count = min(CANDIDATES, len(at.cells))
    scores, places = graph.ops("TopK", 2, ranked, graph.constant([count]), axis=1)
    pick = functools.partial(_pick, graph, places)
    middles = graph.op("Add", cells, graph.multiply(strides, 0.5))
    offsets = graph.op("Mul", graph.reshape(corners, 0, 0, CORNERS // 2, 2), graph.unsqueeze(priors, 1))
    corners = graph.reshape(graph.op("Add", offsets, graph.unsqueeze(middles, 1)), 0, 0, CORNERS)
    few = graph.op("Less", scores, graph.constant(LEAST))
    return Found(
        boxes=pick(graph.op("Concat", low, high, axis=2), BOX),
        corners=graph.reshape(pick(corners, CORNERS), 0, 0, CORNERS // 2, 2),
        classes=graph.op("GatherElements", graph.op("ArgMax", chances, axis=2, keepdims=0), places, axis=1),
        scores=graph.op("Where", few, graph.constant(0.0), scores),
    )


def _pick(graph: Graph, places: str, x: str, numbers: int) -> str:
    """Rows of ``B N numbers`` at places ``B M``."""
    index = graph.op("Tile", graph.unsqueeze(places, 2), graph.constant([1, 1, numbers]))
    return graph.op("GatherElements", x, index, axis=1)


def _suppressed(graph: Graph, found: Found, classes: int) -> tuple[Found, str]:
    """The first `DETECTIONS` that greedy non-maximum suppression keeps, zeros in empty slots, and their mask."""
    by_class = graph.op("Equal", graph.unsqueeze(found.classes, 1), graph.constant(np.arange(classes)[:, None]))
    scores = graph.op("Mul", graph.cast(by_class, np.float32), graph.unsqueeze(found.scores, 1))  # B K N
    limits = graph.constant([CANDIDATES]), graph.constant([DUPLICATE]), graph.constant([0.0])
    chosen = graph.op("NonMaxSuppression", found.boxes, scores, *limits)  # M 3: row, class, place
    indices = graph.op("Gather", chosen, graph.constant([0, 2]), axis=1)
    ones = graph.op("Expand", graph.constant(1.0), _rows_of(graph, indices))
    kept = graph.op("ScatterND", graph.multiply(found.scores, 0.0), indices, ones)  # B N
    count = min(CANDIDATES, DETECTIONS)
    # By decreasing value, kept ones come first in their order.
    order = graph.op("Mul", kept, graph.op("Range", *_descending(graph, kept)))
    values, places = graph.ops("TopK", 2, order, graph.constant([count]), axis=1)
    mask = graph.op("Greater", values, graph.constant(0.0))
    pick, keep = functools.partial(_pick, graph, places), graph.cast(mask, np.float32)
    corners = graph.reshape(pick(graph.reshape(found.corners, 0, 0, CORNERS), CORNERS), 0, 0, CORNERS // 2, 2)
    chosen = Found(
        boxes=graph.op("Mul", pick(found.boxes, BOX), graph.unsqueeze(keep, 2)),
        corners=graph.op("Mul", corners, graph.unsqueeze(keep, 2, 3)),
        classes=graph.op("Mul", graph.op("GatherElements", found.classes, places, axis=1), graph.cast(mask, np.int64)),
        scores=graph.op("Mul", graph.op("GatherElements", found.scores, places, axis=1), keep),
    )
    return chosen, mask


def _rows_of(graph: Graph, x: str) -> str:
    return graph.op("Gather", graph.op("Shape", x), graph.constant([0]), axis=0)


def _descending(graph: Graph, x: str) -> tuple[str, str, str]:
    """Arguments of a range N, N-1 ... 1 of floats for the last axis of ``B N``."""
    return graph.cast(graph.size(x, 1), np.float32), graph.constant(0.0), graph.constant(-1.0)


def add_outputs(graph: Graph, found: Found, classes: int, *, inside: bool) -> None:
    """Adds the detections as outputs: candidates, or those that suppression ``inside`` the program keeps."""
    if inside:
        found, mask = _suppressed(graph, found, classes)
        graph.output("mask", mask, np.bool_, ("batch", "detections"))
    graph.output("boxes", found.boxes, np.float32, ("batch", "detections", 4))
    graph.output("corners", found.corners, np.float32, ("batch", "detections", 4, 2))
    graph.output("classes", graph.cast(found.classes, np.int32), np.int32, ("batch", "detections"))
    graph.output("scores", found.scores, np.float32, ("batch", "detections"))
