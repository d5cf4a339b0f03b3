"""Progress of a whole grid, on all machines: a bar over all steps, and a line for every cell that ends."""

import contextlib
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from launch.ablation.crew import Crew, Death
from launch.ablation.grid import Cell, Grid, folder_of
from launch.ablation.outcomes import FAILED, FINISHED, RUNNING, Outcome, last_step, load_outcome
from launch.ablation.results import load_result
from launch.ablation.tables import duration
from launch.ablation.worker import LOG
from launch.runs.tasks import counts_of

LOOKED = 2.0
"""Seconds between two looks at the cells."""


def watch(grid: Grid, start: Callable[[], Crew]) -> list[Death]:
    """Shows the progress until the workers are done; passes on to them that this process is asked to stop.

    Args:
      grid: all cells, those of other machines included.
      start: starts the workers of this machine.

    Returns:
      Workers that ended before their time.
    """
    often = 0.1 if sys.stderr.isatty() else 30
    total = sum(cell.config.train.steps for cell in grid.cells)
    done_before = sum(_steps(grid, cell, load_outcome(folder_of(grid.workdir, cell))) for cell in grid.cells)
    bar = tqdm(total=total, initial=done_before, unit="step", desc="grid", dynamic_ncols=True, mininterval=often)
    crew = start()

    def on_signal(number: int, frame: Any) -> None:
        crew.stop()
        with contextlib.suppress(OSError):  # the terminal may be gone
            bar.write("stopping: cells save and end; once more ends them at once")

    seen, deaths = {}, []
    heard = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        heard.append(signal.SIGHUP)  # a closed terminal sends it
    try:
        before = {number: signal.signal(number, on_signal) for number in heard}
        while True:
            working = crew.at_work  # asked first, so that whatever ends meanwhile is still shown
            for death in crew.look_after():
                deaths.append(death)
                what = f", training {', '.join(death.cells)}" if death.cells else ""
                bar.write(f"a worker ended with status {death.code}{what}: see {death.log}")
            _show(grid, bar, seen)
            if not working:
                break
            if crew.at_work:
                time.sleep(LOOKED)
        for number, handler in before.items():
            signal.signal(number, handler)
    finally:
        crew.close()
        bar.close()
    return deaths


def _steps(grid: Grid, cell: Cell, outcome: Outcome) -> int:
    return cell.config.train.steps if outcome.final else last_step(folder_of(grid.workdir, cell))


def _show(grid: Grid, bar: tqdm, seen: dict[str, Outcome]) -> None:
    """Moves the bar, and writes a line for every cell that ended since the last look."""
    steps, done, running = 0, 0, []
    for cell in grid.cells:
        folder = folder_of(grid.workdir, cell)
        outcome = seen.get(cell.name) or load_outcome(folder)
        steps += _steps(grid, cell, outcome)
        done += outcome.final
        if outcome.status == RUNNING:
            running.append(cell.name)
        if (outcome.final or outcome.status == FAILED) and cell.name not in seen:
            seen[cell.name] = outcome
            bar.write(f"{cell.name}: {_ending(cell, folder, outcome)}")
    now = f", now {running[0]}" + (f" and {len(running) - 1} more" if running[1:] else "") if running else ""
    bar.set_postfix_str(f"{done} of {len(grid.cells)} cells{now}", refresh=False)
    bar.update(steps - bar.n)


def _ending(cell: Cell, folder: Path, outcome: Outcome) -> str:
    if outcome.status != FINISHED:
        return f"{outcome.status}: {outcome.message} (see {folder / LOG})"
    try:
        result = load_result(folder, cell.config)
    except ValueError as error:
        return f"finished, but {error}"
    style = counts_of(cell.config).style
    return f"{style.title} {style.text(result.rate)}, loss {result.loss:.4g}, {duration(result.seconds)}"
