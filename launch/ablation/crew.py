"""The processes of this machine that train a grid's cells: started, watched, replaced when they die."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from launch.ablation.claims import LOST, read_claim, this_machine
from launch.ablation.grid import Cell, folder_of
from launch.ablation.outcomes import FAILED, Outcome, write_outcome


class Death(NamedTuple):
    """What a worker left behind that ended by itself."""

    code: int
    cells: list[str]
    """What it was training."""
    log: Path


def job_environment(job: int, jobs: int, gpus: Sequence[str]) -> dict[str, str]:
    """Variables that give a worker its share of the GPUs; where there are fewer than workers, they share memory.

    Args:
      job: which worker, from 0.
      jobs: how many there are.
      gpus: names of the GPUs, as in ``CUDA_VISIBLE_DEVICES``.
    """
    if jobs == 1 or not gpus:
        return {}
    if each := len(gpus) // jobs:  # as many for every one, so that batches divide alike
        return {"CUDA_VISIBLE_DEVICES": ",".join(gpus[job * each : (job + 1) * each])}
    return {"CUDA_VISIBLE_DEVICES": gpus[job % len(gpus)], "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


def visible_gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """NVIDIA's GPUs that may be used here."""
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name]
    folder = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number, _ in enumerate(folder.iterdir())] if folder.is_dir() else []


def take_share_of_cores(job: int, jobs: int) -> None:
    """Keeps this process to its part of the cores, where there is one for each job."""
    if jobs > 1 and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) >= jobs:
            os.sched_setaffinity(0, cores[job::jobs])


class Crew:
    """Workers, each a process that runs this program's command line with ``--worker``; close it to end them.

    Args:
      command: arguments of ``python -m launch.ablate``.
      workdir: the grid's.
      jobs: how many.
    """

    def __init__(self, command: Sequence[str], workdir: Path, jobs: int):
        self._command, self._workdir, self._jobs, self._stopping = command, workdir, jobs, False
        self._running = dict(enumerate(map(self._start, range(jobs))))
        self._spare = jobs

    @property
    def at_work(self) -> bool:
        """Whether any is still there."""
        return bool(self._running)

    def look_after(self, cells: Sequence[Cell]) -> list[Death]:
        """Lets go of those that are done; one that died while it trained has failed at that, and is replaced.

        So are a few that died and left no claim: another may have taken it already.
        """
        deaths = []
        for job, process in list(self._running.items()):
            code = process.poll()
            if code is None:
                continue
            del self._running[job]
            if code and not self._stopping:
                lost = [] if code == LOST else self._lost(process.pid, code, cells)
                deaths.append(Death(code, lost, self._log(job)))
                if lost or self._spare:
                    self._spare -= not lost
                    self._running[job] = self._start(job)
        return deaths

    def stop(self) -> None:
        """Asks all to save and end; asked again, ends them at once.

        By SIGINT: who asks this process by SIGTERM may send it to the workers, too, and a second one would end them.
        """
        number = signal.SIGKILL if self._stopping else signal.SIGINT
        self._stopping = True
        for process in self._running.values():
            process.send_signal(number)

    def close(self) -> None:
        """Waits for all, after asking them to end."""
        if self._running and not self._stopping:
            self.stop()
        for process in self._running.values():
            process.wait()

    def command(self, job: int) -> list[str]:
        """What a worker is started with."""
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

    def _lost(self, pid: int, code: int, cells: Sequence[Cell]) -> list[str]:
        how = f"signal {-code}" if code < 0 else f"status {code}"
        if code == -signal.SIGKILL:
            how += " (out of memory?)"
        lost = []
        for cell in cells:
            claim = read_claim(folder_of(self._workdir, cell))
            if claim and claim["pid"] == pid and this_machine().items() <= claim.items():
                lost.append(cell)
        if len(lost) > 1:
            how += f" while it trained {len(lost)} cells as one program: try --together=1"
        for cell in lost:
            write_outcome(folder_of(self._workdir, cell), Outcome(FAILED, f"its process ended with {how}"))
        return [cell.name for cell in lost]
