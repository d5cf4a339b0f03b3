"""Batches of noise on which the benchmark of training compares steps."""

from collections.abc import Sequence

import numpy as np

from launch.benchmarks.ctc_problem import Shape, problem
from launch.benchmarks.rival import MODELS
from launch.runs.config import Config
from recog.batch import Batch, full_height
from recog.codecs import BoxCodec, BoxTargets, TextCodec, TextTargets
from recog.tasks.task import Task

CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
"""Corners of a box in its sides, clockwise from the top left."""


def make_batch(config: Config, task: Task, seed: int = 0) -> Batch:
    """Noise of full width, with random labels of the task's kind in all slots.

    Raises:
      ValueError: labels of a kind that no measured model has.
    """
    data, rows = config.data, config.data.batch_size
    images = np.random.default_rng(seed).integers(0, 256, (rows, data.height, data.width, data.channels), np.uint8)
    return Batch(
        images=images,
        sizes=full_height(np.full(rows, data.width), data.height),
        targets=_targets(config, task, seed),
        ids=np.arange(rows, dtype=np.int32),
        mask=np.ones(rows, bool),
    )


def _targets(config: Config, task: Task, seed: int) -> TextTargets | BoxTargets:
    match task.codec:
        case TextCodec() as codec:
            return _texts(config, codec, task.frames(config.data.width), seed)
        case BoxCodec() as codec:
            return _boxes(config, codec, task.model.config.priors, seed)
        case codec:
            raise ValueError(f"labels of kind {codec.kind!r} are not measured: choose among {', '.join(MODELS)}")


def _texts(config: Config, codec: TextCodec, frames: int | None, seed: int) -> TextTargets:
    """Texts that fill all slots, cut where their repeats need more than the CTC frames there are."""
    data, blank_id = config.data, codec.alphabet.blank_id
    frames = frames or 2 * data.max_label_length  # without CTC all texts fit
    case = problem(Shape(data.batch_size, frames, codec.classes, data.max_label_length), seed)
    tokens = case.labels - 1  # its blank is class 0
    return TextTargets(tokens + (tokens >= blank_id), case.label_lengths)


def _boxes(config: Config, codec: BoxCodec, priors: Sequence[Sequence[float]], seed: int) -> BoxTargets:
    """Upright boxes of the priors' sizes anywhere inside the pictures."""
    rng, data = np.random.default_rng(seed), config.data
    slots, picture = (data.batch_size, codec.most), np.array([data.width, data.height], np.float32)
    sides = np.asarray(priors, np.float32)[rng.integers(len(priors), size=slots)]
    low = rng.random((*slots, 2), np.float32) * (picture - sides)
    return codec.zeros(data.batch_size)._replace(
        corners=low[:, :, None] + sides[:, :, None] * CORNERS,
        classes=rng.integers(codec.classes, size=slots, dtype=np.int32),
        mask=np.ones(slots, bool),
    )
