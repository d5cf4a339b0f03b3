"""Networks with the losses that they are trained by in PyTorch, on one batch.

An objective is a module that computes scores from pictures in -1..1, with a method ``loss`` that computes the loss, a
mean over samples, from scores. ``torch.compile`` gets only the first: the second is for losses that it cannot compile.
"""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from launch.benchmarks.torch_multitask import MultiTaskReader
from launch.benchmarks.torch_readers import make_reader
from launch.benchmarks.torch_yolo import YOLO
from launch.benchmarks.torch_yolo_loss import YOLOLoss
from launch.runs.config import Config
from recog.batch import Batch
from recog.codecs import BoxTargets
from recog.composition import split
from recog.tasks.branches import BranchTask
from recog.tasks.cross_entropy import with_end
from recog.tasks.locating import LocatingTask
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task

IGNORED = -100
"""Class of slots without a loss, the default of ``cross_entropy``."""


def make_objective(config: Config, task: Task, batch: Batch) -> "CTC | Branches | Boxes":
    """Objective of the configured task with a fresh network.

    Raises:
      ValueError: this task or architecture is not implemented.
    """
    match task:
        case ReadingTask():
            return CTC(config, task, batch)
        case BranchTask():
            return Branches(config, task, batch)
        case LocatingTask():
            return Boxes(config, task, batch)
        case other:
            raise ValueError(f"{type(other).__name__} is not implemented for PyTorch: choose a reader or a detector")


class CTC(nn.Module):
    """Reader whose scores are log probabilities ``T B K``, trained by the native CTC loss.

    Lengths stay on the host: on the device each step would wait for them.
    """

    labels: torch.Tensor

    def __init__(self, config: Config, task: ReadingTask, batch: Batch):
        super().__init__()
        self.network, self.blank_id = make_reader(config, task.codec.classes), task.blank_id
        self.register_buffer("labels", _integers(batch.targets.labels))
        self.label_lengths = _integers(batch.targets.lengths)

    def forward(self, images):
        return functional.log_softmax(self.network(images).float(), -1)

    def loss(self, scores):
        lengths = torch.full(self.label_lengths.shape, scores.shape[0])
        total = functional.ctc_loss(scores, self.labels, lengths, self.label_lengths, self.blank_id, reduction="sum")
        return total / len(lengths)


class Branches(nn.Module):
    """Multi-task reader with attention; its score is the loss, a weighted sum of the branches' cross entropies.

    The batch holds the branches' labels as they enter the step, divided and one-hot.
    """

    expected: torch.Tensor
    previous: torch.Tensor
    weights: torch.Tensor

    def __init__(self, config: Config, task: BranchTask, batch: Batch):
        super().__init__()
        data, classes, blank_id = config.data, task.codec.classes, task.codec.alphabet.blank_id
        self.network = MultiTaskReader(task.model.config, data.height, data.channels, classes)
        parts = split(task.structure, task.codec.alphabet, *batch.targets)
        weights = [task.model.config.eta if name == task.auxiliary else 1.0 for name in parts]
        expected, live = zip(*(with_end(*part, blank_id) for part in parts.values()), strict=True)
        tokens = np.stack([tokens for tokens, _ in parts.values()])
        previous = np.pad(tokens, ((0, 0), (0, 0), (1, 0)), constant_values=blank_id)
        self.register_buffer("expected", _integers(np.where(live, expected, IGNORED)))  # N B S
        self.register_buffer("previous", functional.one_hot(_integers(previous), classes).float().transpose(1, 2))
        self.register_buffer("weights", torch.tensor(weights))

    def forward(self, images):
        logits = self.network(images, self.previous).float()  # N B S K
        losses = functional.cross_entropy(logits.flatten(0, 2), self.expected.flatten(), reduction="none")
        of_branches = losses.view(len(self.weights), -1).sum(1)
        return (of_branches * self.weights).sum() / self.expected.shape[1]  # autocast would round a matrix product

    def loss(self, scores):
        return scores


class Boxes(nn.Module):
    """Detector; its score is the loss."""

    def __init__(self, config: Config, task: LocatingTask, batch: Batch):
        super().__init__()
        self.network = YOLO(task.model.config, config.data.channels, task.codec.classes)
        self.by_positions = YOLOLoss(task.model.config, config.data.height, config.data.width)
        self.register_buffer("corners", torch.from_numpy(np.array(batch.targets.corners)))
        self.register_buffer("classes", _integers(batch.targets.classes))
        self.register_buffer("mask", torch.from_numpy(np.array(batch.targets.mask)))

    def forward(self, images):
        return self.by_positions(self.network(images), BoxTargets(self.corners, self.classes, self.mask, None))

    def loss(self, scores):
        return scores


def _integers(values) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.int64))
