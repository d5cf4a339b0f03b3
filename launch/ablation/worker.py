"""One process that trains cells of a grid, as many as it can claim, each with its own log."""

import contextlib
import os
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from launch.ablation.claims import Claims
from launch.ablation.grid import Cell, folder_of
from launch.ablation.outcomes import DIVERGED, FAILED, FINISHED, Outcome, read_outcome, write_outcome
from launch.ablation.training import Ended, can_stack, shapes_key, train_alone, train_together
from launch.runs.folder import steps_done
from recog.training.preemption import StopRequest

LOG = "log.txt"
LOOKED = 2.0
"""Seconds between two looks at a claim that nobody may be behind any more."""


def in_order(cells: Sequence[Cell], shard: tuple[int, int]) -> list[Cell]:
    """All cells, a machine's own share of the combinations first; it helps the others when it is done with that.

    Args:
      cells: of the grid.
      shard: which machine this is, from 1, and of how many.
    """
    which, count = shard
    combinations = list(dict.fromkeys(cell.labels for cell in cells))
    turn = {labels: (place - (which - 1)) % count for place, labels in enumerate(combinations)}
    return sorted(cells, key=lambda cell: turn[cell.labels])


def work(cells: Sequence[Cell], workdir: Path, together: int, workers: int = 1) -> None:
    """Trains what nobody else trains, until nothing is left or it is asked to stop.

    What a machine has left behind that is gone is trained here, once it can be told from one that is slow.

    Args:
      cells: in the order in which to try them.
      workdir: the grid's.
      together: most cells that train in one program.
      workers: how many share the grid; none takes more at once than its part of what is left.
    """
    with StopRequest() as stop, Claims() as claims:
        while not stop.requested:
            left = [cell for cell in cells if _open(folder_of(workdir, cell))]
            if group := _claim_some(claims, left, workdir, min(together, -(-len(left) // workers))):
                _train(group, workdir, stop)
                for cell in group:
                    claims.give_back(folder_of(workdir, cell))
            elif any(claims.is_doubtful(folder_of(workdir, cell)) for cell in left):
                time.sleep(LOOKED)
            else:
                break


def _claim_some(claims: Claims, cells: Sequence[Cell], workdir: Path, most: int) -> list[Cell]:
    """The first cell that is to be had, and those that can train with it."""
    for place, cell in enumerate(cells):
        if not _claim(claims, folder_of(workdir, cell)):
            continue
        group, start, key = [cell], _start(folder_of(workdir, cell)), shapes_key(cell.config)
        for other in cells[place + 1 :] if can_stack(cell.config) else ():
            if len(group) >= most:
                break
            folder = folder_of(workdir, other)
            if shapes_key(other.config) == key and _start(folder) == start and _claim(claims, folder):
                group.append(other)
        return group
    return []


def _start(folder: Path) -> int:
    """The step from which a cell goes on; -1 where its folder cannot be read, which training it will tell."""
    try:
        return steps_done(folder)
    except Exception:
        return -1


def _claim(claims: Claims, folder: Path) -> bool:
    try:
        if not _open(folder) or not claims.take(folder):
            return False
    except OSError as error:  # it may be another user's
        print(f"passed over: {error}", flush=True)
        return False
    if _open(folder):
        return True
    claims.give_back(folder)  # another has ended it in the meantime
    return False


def _open(folder: Path) -> bool:
    outcome = read_outcome(folder)
    return not outcome.final and outcome.status != FAILED


def _train(group: Sequence[Cell], workdir: Path, stop: StopRequest) -> None:
    """Trains cells and says how each ended."""
    folders = [folder_of(workdir, cell) for cell in group]
    if len(group) > 1 and _train_as_one(group, folders, stop):
        return
    for cell, folder in zip(group, folders, strict=True):
        if not stop.requested:
            _train_one(cell, folder, stop)


def _train_as_one(group: Sequence[Cell], folders: Sequence[Path], stop: StopRequest) -> bool:
    """Trains several cells in one program; False where that cannot be."""
    for folder in folders[1:]:
        with (folder / LOG).open("a") as log:
            print(f"trains together with {group[0].name}: see {folders[0] / LOG}", file=log)
    with logged_to(folders[0] / LOG):
        try:
            ended = train_together(group, folders, stop)
        except Exception:
            traceback.print_exc()
            print("they cannot train together: one after the other", flush=True)
            return False
    _say(group, folders, ended)
    return True


def _train_one(cell: Cell, folder: Path, stop: StopRequest) -> None:
    with logged_to(folder / LOG):
        try:
            ended = train_alone(cell, folder, stop)
        except Exception as error:
            traceback.print_exc()
            first = str(error).strip().partition("\n")[0]
            write_outcome(folder, Outcome(FAILED, f"{type(error).__name__}: {first:.300}"))
            return
    _say([cell], [folder], ended)


def _say(group: Sequence[Cell], folders: Sequence[Path], ended: Ended) -> None:
    for cell, folder in zip(group, folders, strict=True):
        if cell.name in ended.diverged:
            write_outcome(folder, Outcome(DIVERGED, ended.diverged[cell.name].partition("\n")[0]))
        elif ended.finished:
            write_outcome(folder, Outcome(FINISHED))


@contextlib.contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """What the process prints, its libraries included, goes to the end of a file."""
    kept = {number: os.dup(number) for number in (1, 2)}
    with path.open("a", buffering=1) as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        for number in kept:  # what libraries print
            os.dup2(log.fileno(), number)
        try:
            yield
        finally:
            for number, before in kept.items():
                os.dup2(before, number)
                os.close(before)
