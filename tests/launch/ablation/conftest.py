"""A grid of six cells, and a stand-in for training."""

import json
import os
import signal

import pytest

from launch.ablation import worker
from launch.ablation.grid import make_cells, parse_sweep
from launch.ablation.training import Ended
from launch.runs.config import to_json


class Training:
    """Stands for training: remembers the cells that it was asked to train, and logs figures for them."""

    def __init__(self):
        self.groups, self.fails, self.diverges, self.stops = [], set(), set(), set()
        self.breaks_together = self.stops_late = False

    def __call__(self, cells, folders, stop):
        names = [cell.name for cell in cells]
        self.groups.append(names)
        print("training", *names)
        for cell, folder in zip(cells, folders, strict=True):
            (folder / "config.json").write_text(json.dumps(to_json(cell.config)))
        if len(cells) > 1 and self.breaks_together:
            raise RuntimeError("out of memory")
        if self.fails.intersection(names):
            raise OSError("disk full\nmore of it")
        diverged = {name: "not finite\nat all" for name in names if name in self.diverges}
        if self.stops.intersection(names):
            os.kill(os.getpid(), signal.SIGINT)
        for cell, folder in zip(cells, folders, strict=True):
            log_figures(folder, cell.config.train.steps, 0.5 + cell.seed / 10)
        return Ended(not stop.requested or self.stops_late, diverged)


def log_figures(folder, step, accuracy):
    lines = [
        {"step": step, "train/ctc_loss": 1.0, "train/images_per_second": 100.0},
        {"step": step, "validation/accuracy": accuracy},
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def training(monkeypatch, capfd):
    stand_in = Training()
    monkeypatch.setattr(worker, "train_cells", stand_in)
    return stand_in


@pytest.fixture
def cells(config):
    """Two shapes with three seeds each."""
    return make_cells(config, [parse_sweep("model.recurrent.units=8,9", config)], seeds=3)
