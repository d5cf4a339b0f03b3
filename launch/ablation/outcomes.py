"""Status of each cell, kept in its folder, and the lock of the process that trains it.

A process locks a cell's folder (`launch.runs.lock`) before it marks the cell as running. The operating system drops
the lock when the process ends in any way: a cell that is marked as running while its lock is free was abandoned.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from launch.runs.config import Config, to_json
from launch.runs.lock import try_lock
from recog.training.writers import load_metrics

FILE = "outcome.json"
FINISHED, DIVERGED, FAILED, RUNNING, WAITING = "finished", "diverged", "failed", "running", "waiting"


class Outcome(NamedTuple):
    """Status of a cell."""

    status: str
    """``finished``, ``diverged`` (its loss became NaN or infinite), ``failed``, ``running`` or ``waiting``."""
    message: str = ""
    """Reason of a failure, or the process that trains it."""

    @property
    def final(self) -> bool:
        """Whether nothing is left to train: a cell that diverged would do so again."""
        return self.status in (FINISHED, DIVERGED)


def running(pid: int) -> Outcome:
    """Returns the status of a cell that a process of this machine trains."""
    return Outcome(RUNNING, f"process {pid} on {os.uname().nodename}")


def load_outcome(folder: Path) -> Outcome:
    """Reads the status of the cell in a folder."""
    try:
        return Outcome(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Outcome(WAITING)


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Saves the status of a cell."""
    temporary = folder / f"{FILE}.tmp"
    temporary.write_text(json.dumps(outcome._asdict(), ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.rename(folder / FILE)


def take(folder: Path) -> contextlib.AbstractContextManager | None:
    """Locks a waiting cell and marks it as running; None where it is not waiting or another process holds it.

    Raises:
      OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (held := try_lock(folder)) is None:
        return None
    with contextlib.ExitStack() as stack:
        stack.enter_context(held)
        if load_outcome(folder).status != WAITING:  # another process has trained it in the meantime
            return None
        write_outcome(folder, running(os.getpid()))
        return stack.pop_all()


def reopen(folder: Path, config: Config) -> None:
    """Lets a cell be trained again that failed, was abandoned, or diverged with another configuration."""
    if load_outcome(folder).status in (WAITING, FINISHED):
        return
    with contextlib.suppress(PermissionError):  # another user's, who may be training it
        if held := try_lock(folder):
            with held:
                if load_outcome(folder).status in (FAILED, RUNNING) or _diverged_otherwise(folder, config):
                    write_outcome(folder, Outcome(WAITING))


def _diverged_otherwise(folder: Path, config: Config) -> bool:
    saved = folder / "config.json"
    before = json.loads(saved.read_text(encoding="utf-8")) if saved.exists() else None
    return load_outcome(folder).status == DIVERGED and before != json.loads(json.dumps(to_json(config)))


def last_step(folder: Path) -> int:
    """Returns the last step that a cell has logged."""
    path = folder / "metrics.jsonl"
    return int(max((line["step"] for line in load_metrics(path)), default=0)) if path.exists() else 0
