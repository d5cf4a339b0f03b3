"""Training of grid cells, each into its own work folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from launch.ablation.grid import Cell
from launch.runs.assembly import Run, assemble
from launch.runs.config import Config
from launch.runs.resuming import steps_to_resume
from launch.runs.training import train_runs
from recog.training.preemption import StopRequest
from recog.training.profiling import Profile
from recog.training.stack import Stack


class Ended(NamedTuple):
    """Result of training cells."""

    finished: bool
    """Whether the last step was reached, or all runs failed; otherwise a stop was requested."""
    diverged: dict[str, str]
    """Errors of cells with a loss that is not finite, by their names."""


def can_stack(config: Config) -> bool:
    """Whether runs of this configuration can train as one program."""
    return config.mesh.fsdp == 1 and config.model.can_stack


def train_cells(cells: Sequence[Cell], folders: Sequence[Path], stop: StopRequest) -> Ended:
    """Trains cells with the same `launch.runs.settings.stack_key` as one program, from the same step on.

    Raises:
      ValueError: the cells are at different steps.
    """
    runs = _assemble(cells, folders)
    starts = [run.start for run in runs]
    if len(set(starts)) > 1:
        raise ValueError(f"cells are at steps {', '.join(map(str, starts))}: they cannot train together")
    names = [cell.name for cell in cells]
    trained = train_runs(runs, folders, names, Profile(folders[0]), stop)
    diverged = {names[place]: str(error) for place, error in trained.failures.items()}
    if trained.state is None:
        return Ended(True, diverged)
    step = int(Stack(len(runs)).take(trained.state, 0).step)
    return Ended(step == cells[0].config.train.steps, diverged)


def _assemble(cells: Sequence[Cell], folders: Sequence[Path]) -> list[Run]:
    """Assembles the runs of all cells; their samples are the same, and are checked once."""
    first = assemble(cells[0].config, folders[0])
    others = zip(cells[1:], folders[1:], strict=True)
    return [
        first,
        *(first._replace(config=cell.config, start=steps_to_resume(folder, first.shapes)) for cell, folder in others),
    ]
