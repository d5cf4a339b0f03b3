"""Workers share GPUs; one that dies costs its cells and no others, and is replaced."""

import os
import signal
import sys

import pytest

from launch.ablation.crew import Crew, job_environment, visible_gpus
from launch.ablation.grid import folder_of
from launch.ablation.outcomes import FAILED, WAITING, Outcome, load_outcome, running, write_outcome


def test_gpus_are_shared_out():
    gpus = ["0", "1", "2", "3"]
    assert job_environment(0, 1, gpus) == job_environment(1, 2, []) == {}
    assert [job_environment(job, 2, gpus)["CUDA_VISIBLE_DEVICES"] for job in range(2)] == ["0,1", "2,3"]
    assert job_environment(2, 3, [*gpus, "4"]) == {"CUDA_VISIBLE_DEVICES": "2"}
    two_on_one = job_environment(1, 2, ["3"])
    assert two_on_one == {"CUDA_VISIBLE_DEVICES": "3", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "1,3"}) == ["1", "3"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == []


def crew_of(program, cells, workdir, monkeypatch, jobs=1):
    monkeypatch.setattr(Crew, "command", lambda self, job: [sys.executable, "-c", program])
    return Crew([], workdir, jobs, cells)


@pytest.mark.parametrize("jobs", [1, 2])
def test_those_that_die_before_they_train_are_replaced_once(cells, tmp_path, monkeypatch, jobs):
    crew, deaths = crew_of("raise SystemExit(3)", cells, tmp_path, monkeypatch, jobs), []
    while crew.at_work:
        deaths += crew.look_after()
    assert [(death.code, death.cells) for death in deaths] == [(3, [])] * 2 * jobs


# The first that is started says who it is and waits; its successors end by themselves.
FIRST = """
import os, signal
from pathlib import Path
started = Path({started!r})
if not started.exists():
    started.with_suffix(".tmp").write_text(str(os.getpid()))
    started.with_suffix(".tmp").rename(started)
    signal.sigwait([signal.SIGTERM])
"""


def training(cells, workdir, monkeypatch):
    """A crew of one whose first worker is marked as training cells, and that worker's number."""
    started = workdir / "started"
    crew = crew_of(FIRST.format(started=str(started)), cells, workdir, monkeypatch)
    while not started.exists():
        assert not crew.look_after()
    pid = int(started.read_text())
    for cell in cells:
        folder_of(workdir, cell).mkdir(parents=True)
        write_outcome(folder_of(workdir, cell), running(pid))
    return crew, pid


@pytest.mark.parametrize(
    ("count", "advice"), [(1, ""), (2, " while it trained 2 cells as one program: try --together=1")]
)
def test_a_worker_that_is_killed_is_replaced(cells, tmp_path, monkeypatch, count, advice):
    lost = cells[2 : 2 + count]
    (crew, pid), deaths = training(lost, tmp_path, monkeypatch), []
    os.kill(pid, signal.SIGKILL)
    while crew.at_work:
        deaths += crew.look_after()
    crew.close()
    assert [(death.code, death.cells) for death in deaths] == [(-signal.SIGKILL, [cell.name for cell in lost])]
    for cell in lost:
        folder = folder_of(tmp_path, cell)
        assert load_outcome(folder) == Outcome(FAILED, f"its process ended with signal 9 (out of memory?){advice}")


def test_workers_that_are_ended_at_once_leave_their_cells_waiting(cells, tmp_path, monkeypatch):
    crew, _ = training(cells[:1], tmp_path, monkeypatch)
    crew.stop()
    crew.stop()
    while crew.at_work:
        assert crew.look_after() == []
    assert load_outcome(folder_of(tmp_path, cells[0])) == Outcome(WAITING)
