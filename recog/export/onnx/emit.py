"""ONNX program of a task: inputs, the emitter of its architecture, outputs, and metadata for callers."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from onnx import ModelProto, TensorProto, helper

from recog.codecs import TextCodec
from recog.export.loading import Parts
from recog.export.onnx import (
    alexnet,
    classifier,
    crnn,
    crnn_plate,
    lprnet,
    multitask,
    plate_reader,
    resnet,
    yolo,
)
from recog.export.onnx.frames import Frames, add_outputs
from recog.export.onnx.graph import OPSETS, Graph, Layer
from recog.export.onnx.module import Module
from recog.export.onnx.pictures import FLOAT, LAYOUTS, UINT8, Pictures, take_pictures
from recog.export.onnx_program import NMS
from recog.models.alexnet import AlexNet
from recog.models.crnn import CRNN
from recog.models.crnn_plate import CRNNPlate
from recog.models.lprnet import LPRNet
from recog.models.plate_reader import PlateReader
from recog.models.resnet import ResNet18
from recog.preprocess import Preprocess
from recog.tasks.branches import BranchTask
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.locating import DETECTIONS, DUPLICATE, LocatingTask
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class OnnxOptions:
    """Form of a program."""

    opset: int = 17
    """Version of the operator set, 13 to 21."""
    layout: str = UINT8
    """Layout of the pixels, of `LAYOUTS`."""
    nms: str = ""
    """Place of a detector's non-maximum suppression: ``inside`` the program by ``NonMaxSuppression``, or ``outside``,
    where the program returns its candidates by decreasing score; empty for inside, and for other models."""

    def __post_init__(self) -> None:
        if self.opset not in OPSETS:
            raise ValueError(f"--opset={self.opset}: choose {OPSETS[0]} to {OPSETS[-1]}")
        if self.layout not in LAYOUTS:
            raise ValueError(f"--layout={self.layout}: choose {' or '.join(LAYOUTS)}")
        if self.nms not in ("", "inside", "outside"):
            raise ValueError(f"--nms={self.nms}: choose inside or outside")

    def check(self, task: Task) -> None:
        """Raises ``ValueError`` if a setting does not fit the task."""
        if self.nms and not isinstance(task, LocatingTask):
            raise ValueError(f"--nms={self.nms} is for detectors: leave it out")
        if self.layout == FLOAT and not isinstance(task, ReadingTask | ClassifyingTask):
            raise ValueError(f"--layout={FLOAT} is for readers by CTC of whole texts and for classifiers: leave it out")


class Emitted(NamedTuple):
    """An ONNX program."""

    model: ModelProto
    layers: Sequence[Layer]
    """Tensors that equal outputs of Flax modules, in the order of the graph."""
    options: OnnxOptions

    def with_layers(self) -> ModelProto:
        """A copy of the model that also returns the layers, under the names of their tensors."""
        copy = ModelProto()
        copy.CopyFrom(self.model)
        names = dict.fromkeys(layer.tensor for layer in self.layers)
        copy.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
        return copy


def emit(
    task: Task, arrays: Mapping[str, np.ndarray], preprocess: Preprocess, options: OnnxOptions, facts: Mapping[str, str]
) -> Emitted:
    """Writes the program of a task.

    Args:
      task: task whose predictions the program makes; decoders other than the best path and greedy decoding are not
        part of it.
      arrays: parameters by their flat names, as an artifact holds them.
      preprocess: preprocessing of the pictures.
      options: form of the program.
      facts: further metadata.

    Raises:
      ValueError: the options do not fit the task.
    """
    options.check(task)
    graph = Graph(options.opset)
    module, pictures = Module(graph, arrays), take_pictures(graph, options.layout, preprocess)
    match task:
        case ReadingTask():
            _add_reader(module, task, pictures, options)
        case BranchTask():
            multitask.emit(module, task.model, pictures)
        case ClassifyingTask():
            _add_classifier(module, task, pictures, options)
        case LocatingTask():
            found = yolo.emit(module, task.model.config, task.codec.classes, pictures)
            yolo.add_outputs(graph, found, task.codec.classes, inside=options.nms != "outside")
        case _:
            raise ValueError(f"no ONNX program is known for tasks of type {type(task).__name__}")
    model = graph.model(type(task.model).__name__, metadata(task, preprocess, options) | dict(facts))
    return Emitted(model, graph.layers, options)


def parts_of(task: Task) -> Parts | None:
    """Parts of a text that the task's model reads, as its artifact saves them; None for other tasks."""
    return Parts(task.structure, task.model.config.decoder) if isinstance(task, BranchTask) else None


def _add_reader(module: Module, task: ReadingTask, pictures: Pictures, options: OnnxOptions) -> None:
    graph, codec = module.graph, task.codec
    frames = _frames(module, task, pictures)
    count = task.frames(pictures.width) if pictures.width else "frames"
    if options.layout == UINT8:
        return add_outputs(graph, frames, codec.alphabet.blank_id, (count, codec.classes))
    order = np.roll(np.arange(codec.classes), codec.alphabet.blank != "first")  # these callers want the blank first
    probabilities = graph.op("Softmax", graph.op("Gather", frames.logits, graph.constant(order), axis=2), axis=2)
    return graph.output("probabilities", probabilities, np.float32, ("batch", count, codec.classes))


def _frames(module: Module, task: ReadingTask, pictures: Pictures) -> Frames:
    match task.model:
        case CRNN(config=config):
            return crnn.emit(module, config, pictures)
        case CRNNPlate(config=config):
            return crnn_plate.emit(module, config, pictures)
        case PlateReader(config=config):
            return plate_reader.emit(module, config, pictures)
        case LPRNet(config=config):
            return lprnet.emit(module, config, pictures)
        case AlexNet():
            return alexnet.emit(module, pictures)
        case ResNet18():
            return resnet.emit(module, pictures)
        case other:
            raise ValueError(f"no ONNX program is known for {type(other).__name__}: add an emitter beside the others")


def _add_classifier(module: Module, task: ClassifyingTask, pictures: Pictures, options: OnnxOptions) -> None:
    logits, probabilities = classifier.emit(module, task, pictures)
    shape = "batch", task.codec.classes
    if options.layout == UINT8:
        module.graph.output("logits", logits, np.float32, shape)
    module.graph.output("probabilities", probabilities, np.float32, shape)


def metadata(task: Task, preprocess: Preprocess, options: OnnxOptions) -> dict[str, str]:
    """Entries of ``metadata_props`` from which a caller can read pictures without another file.

    ``character`` holds the tokens of a reader or the names of classes, one a line, without the blank, as RapidOCR
    expects.
    """
    codec = task.codec
    entries = {
        "character": "\n".join(codec.units),
        "layout": options.layout,
        "preprocess": json.dumps(preprocess.to_json()),
        "codec": json.dumps(codec.to_json(), ensure_ascii=False),
    }
    if isinstance(codec, TextCodec):
        entries["blank_id"] = str(0 if options.layout == FLOAT else codec.alphabet.blank_id)
    if isinstance(task, LocatingTask) and options.nms == "outside":
        entries[NMS] = json.dumps({"most": DUPLICATE, "count": DETECTIONS})
    return entries
