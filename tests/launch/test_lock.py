"""The lock of a work folder: held by one process, dropped however that ends, and nothing left of it."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from launch.ablation.outcomes import take
from launch.runs import distributed
from launch.runs.lock import FolderInUseError, hold, try_lock
from launch.runs.training import train

HOLDER = """
import sys
from pathlib import Path
from launch.runs.lock import hold
with hold(Path(sys.argv[1])):
    Path(sys.argv[1], "config.json").write_text("{}")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the folder ``run``, until its input ends or it is killed."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(command, stdin=-1, stdout=-1, env=environment, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_by_the_name_of_the_first_until_that_is_killed(holder, config, tmp_path):
    config.data.train = "folder:nowhere"  # the folder is refused before anything is read
    with pytest.raises(FolderInUseError, match=rf"run is in use: process {holder.pid} on {os.uname().nodename}, since"):
        train(config, tmp_path / "run")
    assert take(tmp_path / "run") is None, "nor is it trained as a cell of a grid"
    holder.kill()
    holder.wait()
    assert (tmp_path / "run" / "running.json").exists(), "which has no effect"
    with hold(tmp_path / "run"):
        pass
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["config.json", "lock"]


def test_a_holder_whose_name_cannot_be_read_still_holds(holder, tmp_path):
    (tmp_path / "run" / "running.json").write_text("{")
    with pytest.raises(FolderInUseError, match="another process"), hold(tmp_path / "run"):
        pass


def test_a_cell_that_is_trained_is_refused_as_a_run(tmp_path):
    held = take(tmp_path / "cell")
    assert held is not None
    with held, pytest.raises(FolderInUseError, match=f"process {os.getpid()}"), hold(tmp_path / "cell"):
        pass


def test_nothing_is_left_of_a_run_that_wrote_nothing(tmp_path):
    with hold(tmp_path / "new"):
        assert (tmp_path / "new" / "running.json").exists()
    assert not (tmp_path / "new").exists()
    (tmp_path / "empty").mkdir()
    with hold(tmp_path / "empty"):
        pass
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_a_note(tmp_path, monkeypatch, capsys, number):
    def acquire(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    with hold(tmp_path / "run"):
        assert "has no locks" in capsys.readouterr().out


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"), hold(tmp_path / "file" / "run"):
        pass


def test_processes_after_the_first_take_its_word(tmp_path, monkeypatch):
    monkeypatch.setattr(distributed, "first", lambda: False)
    held = try_lock(tmp_path)
    assert held is not None
    with held, hold(tmp_path):
        pass
    monkeypatch.setattr(distributed, "first_succeeded", lambda _: False)
    with pytest.raises(FolderInUseError, match="process 0 cannot use"), hold(tmp_path):
        pass
