"""Trains a machine's share of a grid from start to end, and says what is left."""

import sys
from collections.abc import Callable, Mapping, Sequence

from launch.ablation.crew import Crew, Death
from launch.ablation.display import watch
from launch.ablation.grid import Cell, Grid, folder_of
from launch.ablation.outcomes import FAILED, WAITING, load_outcome, reopen
from launch.ablation.reports import write_reports
from launch.ablation.worker import LOG
from launch.runs.costs import Cost


def train_share(
    grid: Grid, mine: Sequence[Cell], start: Callable[[], Crew], costs: Mapping[tuple[str, ...], Cost], layout: str
) -> None:
    """Trains the cells that are not finished and reports on the whole grid; ends the program where some failed.

    Args:
      grid: all cells.
      mine: this machine's share of them.
      start: starts the workers of this machine.
      costs: cost of each combination, by its labels.
      layout: of the table, ``long`` or ``acc/loss``.
    """
    grid.workdir.mkdir(parents=True, exist_ok=True)
    for cell in mine:
        reopen(folder_of(grid.workdir, cell), cell.config)
    deaths = watch(grid, start)
    print(f"\n{write_reports(grid, costs, layout)}\nwritten to {grid.workdir}: table.md, .csv, .tex, .png")
    _conclude(grid, mine, deaths)


def _conclude(grid: Grid, mine: Sequence[Cell], deaths: Sequence[Death]) -> None:
    """Prints how many cells are left, and ends the program with an error where workers or cells failed."""
    own = [load_outcome(folder_of(grid.workdir, cell)).status for cell in mine]
    left_in_all = sum(not load_outcome(folder).final for folder in grid.folders)
    if elsewhere := left_in_all - own.count(WAITING) - own.count(FAILED):
        print(f"{elsewhere} cells are left to other commands: this one, given later, puts them into the tables")
    if left := own.count(WAITING):
        print(f"{left} cells are not finished: the same command goes on")
    if left and deaths:
        sys.exit(f"error: workers ended before their time, see {', '.join(sorted({str(d.log) for d in deaths}))}")
    if failed := own.count(FAILED):
        sys.exit(f"error: {failed} cells failed, see their {LOG}; the same command tries them again")
