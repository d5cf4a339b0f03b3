"""A cell is one process's at a time, whatever happens to it and whoever else wants it."""

import itertools
import json
import os
import subprocess
import sys
import threading

import pytest

from launch.ablation.outcomes import (
    DIVERGED,
    FAILED,
    FINISHED,
    RUNNING,
    WAITING,
    Outcome,
    load_outcome,
    reopen,
    running,
    take,
    write_outcome,
)
from launch.runs.config import Config, to_json
from launch.runs.lock import LOCK, try_lock


def test_only_one_has_a_cell_until_its_lock_is_dropped(tmp_path):
    folder = tmp_path / "cell"
    held = take(folder)
    assert held is not None
    with held:
        assert load_outcome(folder) == running(os.getpid())
        assert take(folder) is None
        reopen(folder, Config())
        assert load_outcome(folder).status == RUNNING, "it is being trained"
        write_outcome(folder, Outcome(WAITING))
        assert take(folder) is None
    again = take(folder)
    assert again is not None
    with again:
        assert load_outcome(folder).status == RUNNING


@pytest.mark.parametrize("status", [FINISHED, DIVERGED, FAILED, RUNNING])
def test_only_waiting_cells_are_taken(tmp_path, status):
    write_outcome(tmp_path, Outcome(status, "why"))
    assert take(tmp_path) is None
    assert load_outcome(tmp_path) == Outcome(status, "why")
    held = try_lock(tmp_path)
    assert held is not None, "the lock is not kept"
    with held:
        pass


def test_many_at_once_and_one_wins(tmp_path):
    folders = [tmp_path / str(number) for number in range(20)]
    won = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def race(mine):
        start.wait()
        locks = [(folder.name, take(folder)) for folder in folders]
        mine += [name for name, held in locks if held]
        start.wait()  # all keep what they have until all have tried

    threads = [threading.Thread(target=race, args=(mine,)) for mine in won]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(itertools.chain(*won)) == sorted(folder.name for folder in folders)


HOLD = """
import filelock, sys
with filelock.FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_leaves_its_cell_to_the_next_command(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        write_outcome(tmp_path, running(process.pid))
        reopen(tmp_path, Config())
        assert load_outcome(tmp_path) == running(process.pid), "another process trains it"
        process.kill()
    assert take(tmp_path) is None, "no worker takes what may have killed another"
    reopen(tmp_path, Config())
    assert load_outcome(tmp_path) == Outcome(WAITING)
    held = take(tmp_path)
    assert held is not None
    with held:
        pass


def test_what_a_new_command_tries_again(tmp_path):
    config = Config()
    (tmp_path / "config.json").write_text(json.dumps(to_json(config)))
    for before, after in [(FAILED, WAITING), (RUNNING, WAITING), (FINISHED, FINISHED), (DIVERGED, DIVERGED)]:
        write_outcome(tmp_path, Outcome(before))
        reopen(tmp_path, config)
        assert load_outcome(tmp_path).status == after
    config.optimizer.clip_norm += 1.0
    reopen(tmp_path, config)
    assert load_outcome(tmp_path).status == WAITING, "with another configuration it may not diverge"


def test_a_grid_that_was_not_begun_is_left_alone(tmp_path):
    reopen(tmp_path / "cell", Config())
    assert not (tmp_path / "cell").exists()
