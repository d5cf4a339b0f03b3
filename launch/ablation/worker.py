"""Worker process: trains the cells of a machine's share that no other process trains, each with its own log."""

import contextlib
import os
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from launch.ablation.grid import Cell, folder_of
from launch.ablation.outcomes import (
    DIVERGED,
    FAILED,
    FINISHED,
    RUNNING,
    WAITING,
    Outcome,
    load_outcome,
    take,
    write_outcome,
)
from launch.ablation.training import Ended, can_stack, train_cells
from launch.runs.folder import steps_done
from launch.runs.settings import stack_key
from recog.training.preemption import StopRequest

LOG = "log.txt"


def work(cells: Sequence[Cell], workdir: Path, together: int, jobs: int = 1) -> None:
    """Trains waiting cells until none is left or the process is asked to stop.

    Args:
      cells: the machine's share, in the order in which to try them.
      workdir: folder of the grid.
      together: most cells that train in one program.
      jobs: processes on the share; none takes more cells at once than its part of those left.

    Raises:
      OSError: none of the cells can be locked or marked.
    """
    trained = False
    with StopRequest() as stop:
        while not stop.requested:
            left = [cell for cell in cells if load_outcome(folder_of(workdir, cell)).status == WAITING]
            errors: list[OSError] = []
            with contextlib.ExitStack() as locks:
                group = _take_some(locks, left, workdir, min(together, -(-len(left) // jobs)), errors)
                if not group and errors and len(errors) == len(left) and not trained:
                    raise errors[0]
                if not group:
                    break
                trained = True
                _train(group, [folder_of(workdir, cell) for cell in group], stop)


def _take_some(
    locks: contextlib.ExitStack, cells: Sequence[Cell], workdir: Path, most: int, errors: list[OSError]
) -> list[Cell]:
    """Takes the first free cell, and others that can train with it; appends the errors of those passed over."""
    for place, cell in enumerate(cells):
        if not _take(locks, folder_of(workdir, cell), errors):
            continue
        group, start = [cell], _start(folder_of(workdir, cell))
        for other in cells[place + 1 :]:
            if len(group) >= most:
                break
            folder = folder_of(workdir, other)
            if _share_shapes(cell, other) and _start(folder) == start and _take(locks, folder, errors):
                group.append(other)
        return group
    return []


def _take(locks: contextlib.ExitStack, folder: Path, errors: list[OSError]) -> bool:
    try:
        held = take(folder)
    except OSError as error:  # another user may own the folder, or its file system has no locks
        print(f"passed over: {error}", flush=True)
        errors.append(error)
        return False
    if held is None:
        return False
    locks.enter_context(held)
    return True


def _start(folder: Path) -> int:
    """Returns the step from which a cell goes on; -1 for a damaged folder, which training then reports."""
    try:
        return steps_done(folder)
    except Exception:
        return -1


def _train(group: Sequence[Cell], folders: Sequence[Path], stop: StopRequest) -> None:
    """Trains cells and saves the outcome of each."""
    if len(group) == 1 or not _train_as_one(group, folders, stop):
        for cell, folder in zip(group, folders, strict=True):
            if not stop.requested:
                _train_one(cell, folder, stop)
    for folder in folders:
        if load_outcome(folder).status == RUNNING:  # it was asked to stop
            write_outcome(folder, Outcome(WAITING))


def _train_as_one(group: Sequence[Cell], folders: Sequence[Path], stop: StopRequest) -> bool:
    """Trains several cells in one program; False where that fails."""
    for folder in folders[1:]:
        with (folder / LOG).open("a") as log:
            print(f"trains together with {group[0].name}: see {folders[0] / LOG}", file=log)
    with logged_to(folders[0] / LOG):
        try:
            ended = train_cells(group, folders, stop)
        except Exception:
            traceback.print_exc()
            print("they cannot train together: one after the other", flush=True)
            return False
    _save(group, folders, ended)
    return True


def _train_one(cell: Cell, folder: Path, stop: StopRequest) -> None:
    with logged_to(folder / LOG):
        try:
            ended = train_cells([cell], [folder], stop)
        except Exception as error:
            traceback.print_exc()
            first = str(error).strip().partition("\n")[0]
            write_outcome(folder, Outcome(FAILED, f"{type(error).__name__}: {first:.300}"))
            return
    _save([cell], [folder], ended)


def _share_shapes(cell: Cell, other: Cell) -> bool:
    """Whether two cells can train in one program."""
    return can_stack(cell.config) and stack_key(cell.config) == stack_key(other.config)


def _save(group: Sequence[Cell], folders: Sequence[Path], ended: Ended) -> None:
    for cell, folder in zip(group, folders, strict=True):
        if cell.name in ended.diverged:
            write_outcome(folder, Outcome(DIVERGED, ended.diverged[cell.name].partition("\n")[0]))
        elif ended.finished:
            write_outcome(folder, Outcome(FINISHED))


@contextlib.contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Appends to a file all that the process prints, its libraries included."""
    kept = {number: os.dup(number) for number in (1, 2)}
    with path.open("a", buffering=1) as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        for number in kept:  # libraries write to the descriptors
            os.dup2(log.fileno(), number)
        try:
            yield
        finally:
            for number, before in kept.items():
                os.dup2(before, number)
                os.close(before)
