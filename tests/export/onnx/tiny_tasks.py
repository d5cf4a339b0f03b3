"""Tasks of every architecture with few channels, random parameters, and what their own programs predict."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.traverse_util
import jax
import numpy as np

from recog.alphabet import DIGITS, PRICE, Alphabet
from recog.batch import Batch
from recog.codecs import BoxCodec, ClassCodec, TextCodec
from recog.export.onnx.emit import Emitted, OnnxOptions, emit
from recog.export.onnx.samples import make_pictures
from recog.models.alexnet import AlexNetConfig
from recog.models.classifier import ClassifierConfig
from recog.models.config import ModelConfig
from recog.models.crnn import CRNNConfig
from recog.models.crnn_plate import CRNNPlateConfig
from recog.models.lprnet import LPRNetConfig
from recog.models.multitask import MultiTaskConfig
from recog.models.plate_reader import PlateReaderConfig
from recog.models.resnet import ResNet18Config
from recog.models.yolo import YOLOConfig
from recog.ops.recurrent import RecurrentConfig
from recog.preprocess import Preprocess
from recog.tasks.branches import BranchTask
from recog.tasks.class_scores import ClassScores
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.locating import LocatingTask
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task
from tests.variables import random_like

BLANK_LAST = Alphabet("0123456789", blank="last")
recurrent = functools.partial(RecurrentConfig, units=5, projection=4)
short = functools.partial(CRNNConfig, width=0.05, without=(2, 3, 4, 5, 6), batch_norm=())


def reading(config: ModelConfig, alphabet: Alphabet = DIGITS) -> ReadingTask:
    codec = TextCodec(alphabet)
    return ReadingTask(config.build(codec), codec)


def by_parts(decoder: str, backbone: str) -> BranchTask:
    codec, chosen = TextCodec(PRICE, 3), recurrent(layers=1)
    config = MultiTaskConfig(width=0.02, recurrent=chosen, units=4, decoder=decoder, backbone=backbone)
    return BranchTask(config.build(codec), codec, config.parts)


def classifying(backbone: str, width: float, loss: str, views: tuple[str, ...], temperature: float) -> ClassifyingTask:
    codec, config = ClassCodec(("a", "b", "c")), ClassifierConfig(backbone=backbone, loss=loss, width=width)
    return ClassifyingTask(config.build(codec), codec, ClassScores(loss), views, temperature)


def locating(classes: int, patch: int) -> LocatingTask:
    codec = BoxCodec(tuple("abc"[:classes]))
    return LocatingTask(YOLOConfig(width=0.02, blocks=(0, 0, 1, 0, 0), patch=patch).build(codec), codec)


TASKS: dict[str, tuple[Callable[[], Task], Preprocess]] = {
    "crnn": (lambda: reading(CRNNConfig(width=0.03, recurrent=recurrent(layers=1))), Preprocess(32)),
    "crnn_lstm": (lambda: reading(short(recurrent=recurrent(layers=2)), BLANK_LAST), Preprocess(32, 0, 3)),
    "crnn_lstm_forward": (lambda: reading(short(recurrent=recurrent(layers=1, directions=1))), Preprocess(32)),
    "crnn_gru": (lambda: reading(short(recurrent=recurrent(layers=2, cell="gru", projection=0))), Preprocess(32)),
    "crnn_gru_forward": (lambda: reading(short(recurrent=recurrent(cell="gru", directions=1))), Preprocess(32)),
    "crnn_plate": (lambda: reading(CRNNPlateConfig(width=0.03, recurrent=recurrent(layers=1))), Preprocess(24, 94, 3)),
    "plate_reader": (
        lambda: reading(PlateReaderConfig(width=0.03, fc_units=6, recurrent=recurrent(layers=1))),
        Preprocess(32, 96, 3),
    ),
    "lprnet": (lambda: reading(LPRNetConfig(width=0.1)), Preprocess(24, 94, 3)),
    "lprnet_batch": (lambda: reading(LPRNetConfig(width=0.1, context="batch", graphic=True)), Preprocess(24, 94, 1)),
    "alexnet": (lambda: reading(AlexNetConfig(width=0.05)), Preprocess(24, 94, 3)),
    "resnet18": (lambda: reading(ResNet18Config(width=0.03)), Preprocess(24, 94, 3)),
    "parts_ctc": (lambda: by_parts("ctc", "resnet"), Preprocess(16, 64, 1)),
    "parts_attention": (lambda: by_parts("attention", "vgg"), Preprocess(16, 64, 1)),
    "classifier": (
        lambda: classifying("vgg", 0.02, "softmax", ("whole", "crops", "flip"), 1.7),
        Preprocess(32, 40, 3),
    ),
    "classifier_sigmoid": (lambda: classifying("vgg", 0.02, "sigmoid", ("whole", "flip"), 1.0), Preprocess(32, 40, 3)),
    "classifier_lite": (
        lambda: classifying("efficientnet_lite0", 1.0, "softmax", ("whole",), 1.0),
        Preprocess(35, 50, 3),  # odd sizes, which TensorFlow pads on one side alone
    ),
    "yolo": (lambda: locating(2, 1), Preprocess(64, 96, 3, letterbox=True)),
    "yolo_patches": (lambda: locating(1, 4), Preprocess(64, 96, 3, letterbox=True)),
}
"""Builders of the tasks, and the preprocessing of their pictures."""


class Made(NamedTuple):
    """A task with random parameters."""

    task: Task
    arrays: Mapping[str, Any]
    preprocess: Preprocess
    wanted: dict[str, np.ndarray]
    """Predictions for `make_pictures`."""

    def emit(self, **options) -> Emitted:
        return emit(self.task, self.arrays, self.preprocess, OnnxOptions(**options), {"card": "{}"})

    def reference(self, images: np.ndarray, sizes: np.ndarray) -> dict[str, np.ndarray]:
        """The task's own predictions, a stand-in for those of a StableHLO program."""
        assert all(map(np.array_equal, (images, sizes), make_pictures(self.preprocess)))
        return self.wanted


@functools.cache
def make(name: str) -> Made:
    build, preprocess = TASKS[name]
    task, size = build(), (preprocess.height, preprocess.width or 64)
    images = np.zeros((1, *size, preprocess.channels), np.uint8)
    batch = Batch(images, np.array([size], np.int32), task.codec.zeros(1), np.zeros(1, np.int32), np.ones(1, bool))
    variables = random_like(jax.eval_shape(lambda: task.init(jax.random.key(0), batch)))
    wanted = jax.device_get(jax.jit(task.predict)(variables, *make_pictures(preprocess)))
    return Made(task, flax.traverse_util.flatten_dict(variables, sep="/"), preprocess, wanted)
