"""Dry run of a grid: its cells, their costs, and an estimate of the training time."""

import json
import operator
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from launch.ablation import crew, estimate, tables
from launch.ablation.grid import Cell, Grid
from launch.ablation.outcomes import last_step, load_outcome
from launch.runs.costs import Cost


def dry_run(grid: Grid, costs: Mapping[tuple[str, ...], Cost], command: Sequence[str], jobs: int) -> None:
    """Prints the cells and how long they will take, from a few steps of the first in a worker process.

    Args:
      grid: all cells.
      costs: cost of each combination, by its labels.
      command: arguments of ``python -m launch.ablate``.
      jobs: number of processes that will share the cells.
    """
    lines = [[*labels, f"{cost.parameters:,}", f"{cost.macs / 1e6:,.1f} M"] for labels, cost in costs.items()]
    print(tables.markdown(tables.Table([*grid.names, "parameters", "MACs"], lines, (-1, -1))))
    seeds = len(grid.cells) // len(costs) // max(grid.folds, 1)
    folds = f"{grid.folds} folds, " if grid.folds else ""
    print(f"{len(costs)} combinations, {folds}{seeds} seeds of each: {len(grid.cells)} cells", flush=True)
    print(f"timing the first for {estimate.STEPS} steps ...", flush=True)
    speed = _time_first(command, jobs)
    each = [estimate.seconds(cell, speed, costs[cell.labels], costs[grid.cells[0].labels]) for cell in grid.cells]
    total, remaining = sum(each), sum(map(operator.mul, each, map(_share_left, grid.cells, grid.folders)))
    shared = f" by {jobs} jobs at the same speed each" if jobs > 1 else ""
    print(
        f"{speed.training:.1f} images/s: about {tables.duration(total / jobs)} for all{shared}, of which "
        f"{tables.duration(remaining / jobs)} are left; cells trained together may take less"
    )


def _time_first(command: Sequence[str], jobs: int) -> estimate.Speed:
    """Times the first cell in a process of its own, because this one keeps off the accelerator."""
    timer = [sys.executable, "-m", "launch.ablate", *command, "--worker=0"]
    environment = os.environ | crew.job_environment(0, jobs, crew.visible_gpus())
    timed = subprocess.run(timer, stdout=subprocess.PIPE, text=True, env=environment)
    if timed.returncode:
        sys.exit(timed.returncode)
    return estimate.Speed(**json.loads(timed.stdout.splitlines()[-1]))


def _share_left(cell: Cell, folder: Path) -> float:
    """Returns the fraction of a cell's steps that is still to be done."""
    return 0.0 if load_outcome(folder).final else 1 - last_step(folder) / cell.config.train.steps
