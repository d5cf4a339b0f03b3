"""Estimated training time of cells, from a few timed steps of the first."""

import copy
import tempfile
from pathlib import Path
from typing import NamedTuple

from launch.ablation.grid import Cell
from launch.runs.costs import Cost
from launch.runs.training import train
from recog.training.writers import load_metrics

STEPS = 15
"""Steps of the timed cell: the first third, in which programs are compiled, does not count."""


class Speed(NamedTuple):
    """Speed of the first cell on this machine, in images a second."""

    training: float
    validation: float
    validation_images: float
    """Number of validation samples."""


def time_first(cell: Cell) -> Speed:
    """Trains the cell for a few steps in a folder that is then removed, and validates once."""
    config = copy.deepcopy(cell.config)
    # A learning rate of zero, so that nothing can diverge.
    config.optimizer.learning_rate, config.optimizer.warmup_steps, config.optimizer.schedule = 0.0, 0, "constant"
    config.train.steps, config.train.log_every = STEPS, STEPS // 3
    config.train.evaluate_every = config.train.checkpoint_every = 0
    with tempfile.TemporaryDirectory() as folder:
        train(config, folder, pictures=False)
        lines = load_metrics(Path(folder) / "metrics.jsonl")
    validated = next(line for line in reversed(lines) if "validation/images_per_second" in line)
    return Speed(
        max(line["train/images_per_second"] for line in lines if "train/images_per_second" in line),
        validated["validation/images_per_second"],
        validated["validation/count"],
    )


def seconds(cell: Cell, speed: Speed, cost: Cost, timed: Cost) -> float:
    """Returns the training time of a cell: that of the timed one, scaled by their multiply-accumulates."""
    training = cell.config.train
    images = training.steps * cell.config.data.batch_size
    evaluations = -(-training.steps // training.evaluate_every) if training.evaluate_every else 1
    alike = images / speed.training + evaluations * speed.validation_images / max(speed.validation, 1e-9)
    return alike * cost.macs / timed.macs
