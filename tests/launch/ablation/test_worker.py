"""Workers claim cells, train them, and say how each ended; one that dies costs its cells and no others."""

import functools
import itertools
import json
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from launch.ablation import worker
from launch.ablation.claims import Claims, read_claim
from launch.ablation.crew import Crew, job_environment, visible_gpus
from launch.ablation.grid import folder_of, make_cells, parse_sweep
from launch.ablation.outcomes import (
    DIVERGED,
    FAILED,
    FINISHED,
    RUNNING,
    WAITING,
    Outcome,
    forget_failure,
    read_outcome,
    write_outcome,
)
from launch.ablation.training import Ended
from launch.ablation.worker import in_order, logged_to, work
from launch.runs.config import to_json


@pytest.fixture
def cells(config):
    """Two shapes with three seeds each."""
    return make_cells(config, [parse_sweep("model.recurrent.units=8,9", config)], seeds=3)


class Training:
    """Stands for training: remembers what it was asked to train."""

    def __init__(self, monkeypatch):
        self.groups, self.fails, self.diverges, self.stops = [], set(), set(), set()
        self.breaks_together = self.stops_late = False
        monkeypatch.setattr(worker, "train_alone", lambda cell, folder, stop: self([cell], stop))
        monkeypatch.setattr(worker, "train_together", lambda cells, folders, stop: self(cells, stop))

    def __call__(self, cells, stop):
        names = [cell.name for cell in cells]
        self.groups.append(names)
        print("training", *names)
        if len(cells) > 1 and self.breaks_together:
            raise RuntimeError("out of memory")
        if self.fails.intersection(names):
            raise OSError("disk full\nmore of it")
        diverged = {name: "not finite\nat all" for name in names if name in self.diverges}
        if self.stops.intersection(names):
            os.kill(os.getpid(), signal.SIGINT)
        return Ended(not stop.requested or self.stops_late, diverged)


@pytest.fixture
def training(monkeypatch, capfd):
    return Training(monkeypatch)


def statuses(cells, workdir):
    return [read_outcome(folder_of(workdir, cell)).status for cell in cells]


@pytest.mark.parametrize(("together", "sizes"), [(8, [3, 3]), (2, [2, 1, 2, 1]), (1, [1] * 6)])
def test_cells_of_one_shape_train_together(cells, training, tmp_path, together, sizes):
    work(cells, tmp_path, together)
    assert list(map(len, training.groups)) == sizes
    assert sorted(itertools.chain(*training.groups)) == sorted(cell.name for cell in cells)
    assert statuses(cells, tmp_path) == [FINISHED] * 6


@pytest.mark.parametrize(("workers", "sizes"), [(1, [3, 3]), (2, [3, 2, 1]), (3, [2, 1, 1, 1, 1]), (9, [1] * 6)])
def test_none_takes_more_than_its_part(cells, training, tmp_path, workers, sizes):
    work(cells, tmp_path, together=8, workers=workers)
    assert sorted(map(len, training.groups), reverse=True) == sizes


def test_what_a_machine_left_behind_is_waited_for(cells, training, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "Claims", functools.partial(Claims, stale=1.0))
    monkeypatch.setattr(worker, "LOOKED", 0.05)
    gone, slow = (folder_of(tmp_path, cell) for cell in cells[:2])
    for folder in (gone, slow):
        folder.mkdir(parents=True)
        claim = {"pid": 1, "host": "another", "boot": "b", "over": False}
        (folder / "claim-1.json").write_text(json.dumps(claim))
    showed_life = threading.Timer(0.5, os.utime, [slow / "claim-1.json"])
    showed_life.start()
    work(cells, tmp_path, together=8)
    assert [cells[0].name] in training.groups
    assert statuses(cells, tmp_path)[0] == FINISHED


def test_a_folder_that_cannot_be_written_is_passed_over(cells, training, tmp_path, monkeypatch):
    def take(self, folder):
        if folder == folder_of(tmp_path, cells[1]):
            raise PermissionError(f"{folder}: not yours")
        return taken(self, folder)

    taken = Claims.take
    monkeypatch.setattr(Claims, "take", take)
    work(cells, tmp_path, together=8)
    assert statuses(cells, tmp_path) == [FINISHED, WAITING, *[FINISHED] * 4]


def test_what_is_finished_or_anothers_is_passed_over(cells, training, tmp_path):
    write_outcome_of(cells[0], tmp_path, FINISHED)
    write_outcome_of(cells[1], tmp_path, DIVERGED)
    write_outcome_of(cells[3], tmp_path, FAILED)
    with Claims() as another:
        assert another.take(folder_of(tmp_path, cells[4]))
        work(cells, tmp_path, together=8)
        assert training.groups == [[cells[2].name], [cells[5].name]]
        assert statuses(cells, tmp_path) == [FINISHED, DIVERGED, FINISHED, FAILED, RUNNING, FINISHED]
    assert statuses(cells, tmp_path)[4] == WAITING


def write_outcome_of(cell, workdir, status):
    folder_of(workdir, cell).mkdir(parents=True, exist_ok=True)
    write_outcome(folder_of(workdir, cell), Outcome(status))


def test_one_that_fails_stops_no_other(cells, training, tmp_path):
    training.breaks_together = True
    training.fails = {cells[1].name}
    training.diverges = {cells[4].name}
    work(cells, tmp_path, together=8)
    assert statuses(cells, tmp_path) == [FINISHED, FAILED, FINISHED, FINISHED, DIVERGED, FINISHED]
    failed = folder_of(tmp_path, cells[1])
    assert read_outcome(failed).message == "OSError: disk full"
    assert "disk full" in (failed / "log.txt").read_text()
    assert "one after the other" in (folder_of(tmp_path, cells[0]) / "log.txt").read_text()
    assert read_outcome(folder_of(tmp_path, cells[4])).message == "not finite"
    (folder_of(tmp_path, cells[4]) / "config.json").write_text(json.dumps(to_json(cells[4].config)))
    for cell in cells:
        forget_failure(folder_of(tmp_path, cell), cell.config)
    assert statuses(cells, tmp_path) == [FINISHED, WAITING, FINISHED, FINISHED, DIVERGED, FINISHED]
    cells[4].config.optimizer.clip_norm = 1.0
    forget_failure(folder_of(tmp_path, cells[4]), cells[4].config)
    assert statuses(cells, tmp_path)[4] == WAITING, "with another configuration it may not diverge"


@pytest.mark.parametrize("late", [False, True], ids=["before the last step", "after it"])
def test_asked_to_stop_it_leaves_the_rest(cells, training, tmp_path, late):
    training.stops, training.stops_late = {cells[0].name}, late
    work(cells, tmp_path, together=2)
    assert len(training.groups) == 1
    assert statuses(cells, tmp_path) == ([FINISHED] * 2 if late else [WAITING] * 2) + [WAITING] * 4


@pytest.mark.parametrize(("shard", "first"), [((1, 2), "8"), ((2, 2), "9"), ((3, 3), "8")])
def test_a_shard_begins_with_its_own_and_helps_with_the_rest(cells, shard, first):
    ordered = in_order(cells, shard)
    assert ordered[0].labels == (first,)
    assert sorted(cell.name for cell in ordered) == sorted(cell.name for cell in cells)


def test_what_is_printed_is_logged_and_then_shown_again(tmp_path, capfd):
    with logged_to(tmp_path / "log.txt"):
        print("inside")
        os.write(2, b"of a library\n")
    print("outside")
    assert set((tmp_path / "log.txt").read_text().splitlines()) == {"inside", "of a library"}
    assert capfd.readouterr().out == "outside\n"


def test_gpus_are_shared_out():
    gpus = ["0", "1", "2", "3"]
    assert job_environment(0, 1, gpus) == job_environment(1, 2, []) == {}
    assert [job_environment(job, 2, gpus)["CUDA_VISIBLE_DEVICES"] for job in range(2)] == ["0,1", "2,3"]
    assert job_environment(2, 3, [*gpus, "4"]) == {"CUDA_VISIBLE_DEVICES": "2"}
    two_on_one = job_environment(1, 2, ["3"])
    assert two_on_one == {"CUDA_VISIBLE_DEVICES": "3", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "1,3"}) == ["1", "3"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == []


SCRIPT = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from launch.ablation.claims import Claims
if not Path({marker!r}).exists():
    Path({marker!r}).touch()
    claims = Claims()
    for folder in {folders!r}:
        claims.take(Path(folder))
    Path({marker!r} + ".held").touch()
    time.sleep(60)
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_those_that_die_without_a_claim_are_replaced_once(cells, tmp_path, monkeypatch, jobs):
    monkeypatch.setattr(Crew, "command", lambda self, job: [sys.executable, "-c", "raise SystemExit(3)"])
    crew, deaths = Crew([], tmp_path, jobs), []
    while crew.at_work:
        deaths += crew.look_after(cells)
    assert [(death.code, death.cells) for death in deaths] == [(3, [])] * 2 * jobs


@pytest.mark.parametrize(
    ("count", "advice"), [(1, ""), (2, " while it trained 2 cells as one program: try --together=1")]
)
def test_a_worker_that_is_killed_is_replaced(cells, tmp_path, monkeypatch, count, advice):
    lost = cells[2 : 2 + count]
    folders, marker = [folder_of(tmp_path, cell) for cell in lost], tmp_path / "first"
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(root=str(Path.cwd()), marker=str(marker), folders=[*map(str, folders)]))
    monkeypatch.setattr(Crew, "command", lambda self, job: [sys.executable, str(script)])
    crew = Crew([], tmp_path, jobs=1)
    held = tmp_path / "first.held"
    deaths = []
    while crew.at_work:  # the first is killed, its successor ends by itself
        if held.exists():
            held.unlink()
            os.kill((read_claim(folders[0]) or {})["pid"], signal.SIGKILL)
        deaths += crew.look_after(cells)
    crew.close()
    assert [(death.code, death.cells) for death in deaths] == [(-signal.SIGKILL, [cell.name for cell in lost])]
    for folder in folders:
        assert read_outcome(folder) == Outcome(FAILED, f"its process ended with signal 9 (out of memory?){advice}")
        with Claims() as another:
            assert another.take(folder)
