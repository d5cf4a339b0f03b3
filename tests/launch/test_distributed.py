"""Several devices and several processes train one run: real processes, joined over loopback."""

import dataclasses
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from launch.distributed import join
from launch.run_folder import steps_done
from launch.train import train
from recog.training.loop import LoopConfig
from recog.training.writers import read_metrics
from tests.conftest import with_devices
from tests.launch.conftest import CONFIG_FILE, assert_same_state, saved_arrays, tiny_config

HEARTBEAT = 20
"""Seconds after which a lost process is noticed."""
STEPS = 120
LOOP = {"steps": STEPS, "checkpoint_every": 10, "log_every": 10, "evaluate_every": 60}


def run_config(folder):
    config = tiny_config(str(folder))
    config.train = LoopConfig(**LOOP)
    return config


@dataclasses.dataclass
class Process:
    """One process of a run, with its output in a file."""

    popen: subprocess.Popen
    log: Path

    def wait(self, seconds: float = 300) -> tuple[int, str]:
        """Exit status and output."""
        try:
            return self.popen.wait(seconds), self.log.read_text()
        finally:
            self.popen.kill()


def launch(config_file, workdir, logs, more=((), ())) -> list[Process]:
    """Two processes with two devices each, and with flags of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for process, flags in enumerate(more):
        command = [sys.executable, "-m", "launch.train", f"--config={config_file}", f"--workdir={workdir}"]
        command += [f"--config.train.{name}={value}" for name, value in LOOP.items()]
        command += [f"--coordinator_address=127.0.0.1:{port}", "--num_processes=2", f"--process_id={process}"]
        command += [f"--heartbeat_timeout={HEARTBEAT}", *flags]
        log = logs / f"{time.monotonic_ns()}.log"
        with log.open("w") as file:
            started.append(Process(subprocess.Popen(command, env=with_devices(2), stdout=file, stderr=file), log))
    return started


def wait_for(path: Path, processes: list[Process]) -> None:
    deadline = time.monotonic() + 300
    while not path.exists():
        for process in processes:
            assert process.popen.poll() is None, process.log.read_text()
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


def losses(workdir) -> dict[int, float]:
    lines = read_metrics(workdir / "metrics.jsonl")
    assert len({(line["step"], "train/ctc_loss" in line) for line in lines}) == len(lines), "each step is logged once"
    return {int(line["step"]): line["train/ctc_loss"] for line in lines if "train/ctc_loss" in line}


@pytest.fixture(scope="module")
def file(digits, tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "tiny.py"
    path.write_text(CONFIG_FILE.format(folder=str(digits)))
    return path


@pytest.fixture(scope="module")
def whole_run(file, tmp_path_factory):
    """A run of two processes with two devices each, from start to end."""
    folder = tmp_path_factory.mktemp("whole")
    statuses = [process.wait() for process in launch(file, folder / "run", folder)]
    assert [status for status, _ in statuses] == [0, 0], statuses
    assert "on 4 cpu of 2 processes" in statuses[0][1]
    assert "validation" in statuses[0][1]
    assert not re.search("samples|validation|train:", statuses[1][1]), "only the first process reports"
    return folder / "run"


@pytest.mark.slow
def test_a_run_that_loses_a_process_stops_and_resumes_bit_for_bit(whole_run, digits, file, tmp_path):
    workdir = tmp_path / "run"
    first, second = processes = launch(file, workdir, tmp_path)
    wait_for(workdir / "checkpoints" / "latest" / "10", processes)
    second.popen.kill()
    lost = time.monotonic()
    status, output = first.wait(10 * HEARTBEAT)
    assert status != 0, output
    assert time.monotonic() - lost < 5 * HEARTBEAT
    assert 10 <= steps_done(workdir) < STEPS, "the run was to be cut off"
    statuses = [process.wait() for process in launch(file, workdir, tmp_path)]
    assert [status for status, _ in statuses] == [0, 0], statuses
    expected, found = (saved_arrays(run_config(digits), folder) for folder in (whole_run, workdir))
    assert expected[1] == found[1] == STEPS
    assert_same_state(expected[0], found[0])
    assert losses(workdir) == losses(whole_run)


@pytest.mark.slow
def test_a_signal_to_one_process_saves_all_and_another_number_of_devices_goes_on(
    whole_run, digits, file, tmp_path, capsys
):
    workdir = tmp_path / "run"
    processes = launch(file, workdir, tmp_path)
    wait_for(workdir / "checkpoints" / "latest" / "10", processes)
    processes[1].popen.send_signal(signal.SIGTERM)
    statuses = [process.wait() for process in processes]
    assert [status for status, _ in statuses] == [0, 0], statuses
    stopped = steps_done(workdir)
    assert 10 <= stopped < STEPS, "the run was to be stopped"
    assert f"stopped at step {stopped}, saved" in statuses[0][1]
    train(run_config(digits), workdir)  # here, on the devices of this process
    assert "saved by 4 devices, 2 processes" in capsys.readouterr().out
    expected, found = losses(whole_run), losses(workdir)
    assert found.keys() - expected.keys() <= {stopped}
    # The line after the stop is of the steps since then alone; rounding grows over the run.
    whole = [step for step in expected if step <= stopped or step - LOOP["log_every"] >= stopped]
    np.testing.assert_allclose([found[step] for step in whole], [expected[step] for step in whole], rtol=0.002)


@pytest.mark.slow
@pytest.mark.parametrize("of_second", ["seed", "init_from"])
def test_processes_that_differ_are_told_so_before_anything_is_written(whole_run, file, tmp_path, of_second):
    flag = {"seed": "--config.seed=1", "init_from": f"--config.init_from={whole_run}"}[of_second]
    processes = launch(file, tmp_path / "run", tmp_path, more=((), (flag,)))
    for status, output in [process.wait() for process in processes]:
        assert status == 1
        assert re.search(r"error in process \d of 2: processes \d and \d differ in configuration: every", output)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_process_that_does_not_see_the_folder_of_the_run_is_told_so(whole_run, file, tmp_path):
    processes = launch(file, whole_run, tmp_path, more=((), (f"--workdir={tmp_path / 'misspelt'}",)))
    for status, output in [process.wait() for process in processes]:
        assert status == 1
        assert re.search(r"processes \d and \d differ in step to go on from: every process needs", output)
    assert steps_done(whole_run) == STEPS
    assert not (tmp_path / "misspelt").exists()


def test_flags_that_do_not_suffice_are_named():
    flags = SimpleNamespace(
        coordinator_address="host:1", num_processes=None, process_id=1, distributed="off", heartbeat_timeout=60
    )
    with pytest.raises(ValueError, match="needs --num_processes as well"):
        join(flags)  # pyright: ignore[reportArgumentType]
