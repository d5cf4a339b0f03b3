"""Worker processes of this machine: started, watched, replaced when they die."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from launch.ablation.grid import Cell, folder_of
from launch.ablation.outcomes import FAILED, WAITING, Outcome, load_outcome, running, write_outcome
from launch.runs.lock import try_lock


class Death(NamedTuple):
    """A worker that ended before its time."""

    code: int
    """Exit status; negative for a signal."""
    cells: list[str]
    """Names of the cells that it was training."""
    log: Path


def job_environment(job: int, jobs: int, gpus: Sequence[str]) -> dict[str, str]:
    """Returns variables that give a worker its share of the GPUs; more workers than GPUs share their memory.

    Args:
      job: number of the worker, from 0.
      jobs: number of workers.
      gpus: names of the GPUs, as in ``CUDA_VISIBLE_DEVICES``.
    """
    if jobs == 1 or not gpus:
        return {}
    if each := len(gpus) // jobs:  # the same number for each, so that batches divide alike
        return {"CUDA_VISIBLE_DEVICES": ",".join(gpus[job * each : (job + 1) * each])}
    return {"CUDA_VISIBLE_DEVICES": gpus[job % len(gpus)], "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


def visible_gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Returns the NVIDIA GPUs that this process may use."""
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name]
    folder = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number, _ in enumerate(folder.iterdir())] if folder.is_dir() else []


def take_share_of_cores(job: int, jobs: int) -> None:
    """Limits this process to its part of the cores, where there is at least one for each job."""
    if jobs > 1 and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) >= jobs:
            os.sched_setaffinity(0, cores[job::jobs])


class Crew:
    """Processes that run this program's command line with ``--worker``; close it to end them.

    Args:
      command: arguments of ``python -m launch.ablate``.
      workdir: folder of the grid.
      jobs: number of processes.
      cells: this machine's share.
    """

    def __init__(self, command: Sequence[str], workdir: Path, jobs: int, cells: Sequence[Cell]):
        self._command, self._workdir, self._jobs, self._cells = command, workdir, jobs, cells
        self._stopping = False
        self._running = dict(enumerate(map(self._start, range(jobs))))
        self._spare = jobs

    @property
    def at_work(self) -> bool:
        """Whether any process still runs."""
        return bool(self._running)

    def look_after(self) -> list[Death]:
        """Lets go of workers that are done; marks the cells of those that died as failed, and replaces these workers.

        Of those that die before they train anything, only as many are replaced as there are jobs.
        """
        deaths = []
        for job, process in list(self._running.items()):
            code = process.poll()
            if code is None:
                continue
            del self._running[job]
            lost = self._release(process.pid, code)
            if code and not self._stopping:
                deaths.append(Death(code, lost, self._log(job)))
                if lost or self._spare:
                    self._spare -= not lost
                    self._running[job] = self._start(job)
        return deaths

    def stop(self) -> None:
        """Asks all to save and end; ends them at once when called again.

        Sends SIGINT: whoever sent SIGTERM to this process may have sent it to the workers, and a second would end them.
        """
        number = signal.SIGKILL if self._stopping else signal.SIGINT
        self._stopping = True
        for process in self._running.values():
            process.send_signal(number)

    def close(self) -> None:
        """Asks all to end, and waits for them."""
        if self._running and not self._stopping:
            self.stop()
        for process in self._running.values():
            process.wait()

    def command(self, job: int) -> list[str]:
        """Returns the command line of a worker."""
        return [sys.executable, "-m", "launch.ablate", *self._command, f"--worker={job}"]

    def _start(self, job: int) -> subprocess.Popen:
        log = self._log(job)
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = os.environ | job_environment(job, self._jobs, visible_gpus())
        with log.open("a") as file:
            # A session of its own, so that Ctrl-C reaches this process alone, which then asks the workers once.
            return subprocess.Popen(
                self.command(job), stdout=file, stderr=file, env=environment, start_new_session=True
            )

    def _log(self, job: int) -> Path:
        return self._workdir / "workers" / f"{os.uname().nodename}-{job}.txt"

    def _release(self, pid: int, code: int) -> list[str]:
        """Marks cells that a worker left behind as failed, or as waiting when it was told to end."""
        left = running(pid)
        folders = {cell.name: folder_of(self._workdir, cell) for cell in self._cells}
        lost = [name for name, folder in folders.items() if load_outcome(folder) == left and _is_free(folder)]
        how = f"signal {-code}" if code < 0 else f"status {code}"
        if code == -signal.SIGKILL:
            how += " (out of memory?)"
        if len(lost) > 1:
            how += f" while it trained {len(lost)} cells as one program: try --together=1"
        outcome = Outcome(WAITING) if self._stopping else Outcome(FAILED, f"its process ended with {how}")
        for name in lost:
            write_outcome(folders[name], outcome)
        return lost


def _is_free(folder: Path) -> bool:
    """Whether no process trains a cell: one on another machine may have the number of a dead one here."""
    with contextlib.suppress(OSError):
        if held := try_lock(folder):
            with held:
                return True
    return False
