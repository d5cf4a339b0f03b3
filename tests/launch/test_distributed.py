"""Several devices and several processes train one run: real processes, joined over loopback."""

import dataclasses
import json
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

from launch.runs.distributed import join
from launch.runs.folder import steps_done
from launch.runs.training import train
from recog.models.crnn import CRNNConfig
from recog.training.loop import LoopConfig
from recog.training.writers import load_metrics
from tests.conftest import with_devices
from tests.launch.conftest import CONFIG_FILE, assert_same_state, saved_arrays, tiny_config
from tests.training.events import load_pictures

HEARTBEAT = 20
"""Seconds after which a lost process is noticed."""
STEPS = 120
LOOP = {"steps": STEPS, "checkpoint_every": 10, "log_every": 10, "evaluate_every": 60}
UNITS = 64
"""Recurrent units: the weights between them are the fewest that `recog.mesh.by_parameter` splits."""


def run_config(folder):
    config = tiny_config(str(folder))
    assert isinstance(config.model, CRNNConfig)
    config.train, config.model.recurrent.units = LoopConfig(**LOOP), UNITS
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


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


LONG = (*(f"--config.train.{name}={value}" for name, value in LOOP.items()), f"--config.model.recurrent.units={UNITS}")
"""Flags of a run that can be ended half way, and whose arrays are split."""


def launch(config_file, workdir, logs, more=((), ()), both=LONG) -> list[Process]:
    """Two processes with two devices each, with flags of their own and flags that both have."""
    port, started = free_port(), []
    for process, flags in enumerate(more):
        command = [sys.executable, "-m", "launch.train", f"--config={config_file}", f"--workdir={workdir}"]
        command += [f"--coordinator_address=127.0.0.1:{port}", "--num_processes=2", f"--process_id={process}"]
        command += [f"--heartbeat_timeout={HEARTBEAT}", *both, *flags]
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
    lines = load_metrics(workdir / "metrics.jsonl")
    assert len({(line["step"], "train/ctc_loss" in line) for line in lines}) == len(lines), "each step is logged once"
    return {int(line["step"]): line["train/ctc_loss"] for line in lines if "train/ctc_loss" in line}


def arrays_split(checkpoint: Path) -> int:
    """How many arrays were split over the devices that saved them."""
    shardings = json.loads((checkpoint / "state" / "_sharding").read_text()).values()
    return sum("fsdp" in json.loads(sharding)["partition_spec"] for sharding in shardings)


@pytest.fixture(scope="module")
def file(digits, tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "tiny.py"
    path.write_text(CONFIG_FILE.format(folder=str(digits)))
    return path


def assert_finished(processes: list[Process]) -> None:
    """That both end well, and that only the first one reports."""
    statuses = [process.wait() for process in processes]
    assert [status for status, _ in statuses] == [0, 0], statuses
    assert "on 4 cpu of 2 processes" in statuses[0][1]
    assert "validation" in statuses[0][1]
    assert not re.search("samples|validation|train:", statuses[1][1]), "only the first process reports"


def test_two_processes_train_like_one_device(trained, file, tmp_path):
    assert_finished(launch(file, tmp_path / "run", tmp_path, both=()))
    expected, found = losses(trained.workdir), losses(tmp_path / "run")
    assert list(found) == list(expected) == [2, 4, 6, 8, 10, 12]
    assert len(load_pictures(tmp_path / "run")) == 2 * 3, "one process draws"
    assert (tmp_path / "run" / "curves.png").exists()
    # Sums in another order differ by 1e-7, which twelve steps amplify; other samples would differ by tenths.
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-4)


@pytest.fixture(scope="module")
def whole_run(file, tmp_path_factory):
    """A run of two processes with two devices each, from start to end."""
    folder = tmp_path_factory.mktemp("whole")
    assert_finished(launch(file, folder / "run", folder))
    return folder / "run"


@pytest.mark.exhaustive
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


@pytest.mark.exhaustive
@pytest.mark.parametrize(("victim", "number"), [(0, signal.SIGKILL), (1, signal.SIGSTOP)])
def test_a_process_that_dies_or_hangs_ends_the_other(file, tmp_path, victim, number):
    processes = launch(file, tmp_path / "run", tmp_path)
    try:
        wait_for(tmp_path / "run" / "checkpoints" / "latest" / "10", processes)
        processes[victim].popen.send_signal(number)
        status, output = processes[1 - victim].wait(3 * HEARTBEAT)
    finally:
        for process in processes:
            process.popen.kill()
    assert status != 0, output


@pytest.mark.exhaustive
def test_a_signal_to_one_process_saves_all_and_another_number_of_devices_goes_on(
    whole_run, digits, file, tmp_path, capsys
):
    workdir = tmp_path / "run"
    processes = launch(file, workdir, tmp_path, more=2 * (("--config.mesh.fsdp=4",),))
    wait_for(workdir / "checkpoints" / "latest" / "10", processes)
    processes[1].popen.send_signal(signal.SIGTERM)
    statuses = [process.wait() for process in processes]
    assert [status for status, _ in statuses] == [0, 0], statuses
    stopped = steps_done(workdir)
    assert 10 <= stopped < STEPS, "the run was to be stopped"
    assert f"stopped at step {stopped}, saved" in statuses[0][1]
    assert arrays_split(workdir / "checkpoints" / "latest" / str(stopped))
    train(run_config(digits), workdir)  # here, on the devices of this process
    said = capsys.readouterr().out
    assert "saved by 4 devices, 2 processes, 4 fsdp, goes on with 1 devices, 1 processes, 1 fsdp" in said
    assert "every batch has the samples that it would have had" in said
    expected, found = losses(whole_run), losses(workdir)
    assert found.keys() - expected.keys() <= {stopped}
    # The line after the stop is of the steps since then alone; rounding grows over the run.
    whole = [step for step in expected if step <= stopped or step - LOOP["log_every"] >= stopped]
    np.testing.assert_allclose([found[step] for step in whole], [expected[step] for step in whole], rtol=0.002)


@pytest.mark.exhaustive
@pytest.mark.parametrize("of_second", ["seed", "init_from"])
def test_processes_that_differ_are_told_so_before_anything_is_written(whole_run, file, tmp_path, of_second):
    flag = {"seed": "--config.seed=1", "init_from": f"--config.init_from={whole_run}"}[of_second]
    processes = launch(file, tmp_path / "run", tmp_path, more=((), (flag,)))
    for status, output in [process.wait() for process in processes]:
        assert status == 1
        assert re.search(r"error in process \d of 2: processes \d and \d differ in configuration: every", output)
    assert not (tmp_path / "run").exists()


@pytest.mark.exhaustive
def test_a_process_that_does_not_see_the_folder_of_the_run_is_told_so(whole_run, file, tmp_path):
    processes = launch(file, whole_run, tmp_path, more=((), (f"--workdir={tmp_path / 'misspelt'}",)))
    for status, output in [process.wait() for process in processes]:
        assert status == 1
        assert re.search(r"processes \d and \d differ in step to go on from: every process needs", output)
    assert steps_done(whole_run) == STEPS
    assert not (tmp_path / "misspelt").exists()


JOINS = """
import sys
from absl import flags
from launch.runs import distributed, entry


def main(argv):
    distributed.join(flags.FLAGS)
    print("process {} of {}".format(*distributed.share()), file=sys.stderr)


distributed.define_flags()
entry.run(main)
"""


def join_by_itself(logs, **environment: str) -> Process:
    """A process that learns from nothing but this environment which one it is, and says so."""
    own = {name: value for name, value in with_devices(1).items() if name in ("PATH", "PYTHONPATH", "JAX_PLATFORMS")}
    log = logs / f"{time.monotonic_ns()}.log"
    command = [sys.executable, "-c", JOINS, "--distributed=auto"]
    with log.open("w") as file:
        return Process(subprocess.Popen(command, env=own | environment, stdout=file, stderr=file), log)


@pytest.mark.exhaustive
def test_processes_of_a_slurm_job_find_each_other(tmp_path):
    job = {"SLURM_JOB_ID": "7", "SLURM_STEP_NODELIST": "127.0.0.1", "SLURM_NTASKS": "2"}
    job |= {"JAX_COORDINATOR_PORT": str(free_port())}
    tasks = [join_by_itself(tmp_path, **job, SLURM_PROCID=task, SLURM_LOCALID=task) for task in "01"]
    for task, (status, output) in enumerate([process.wait() for process in tasks]):
        assert status == 0, output
        assert f"process {task} of 2" in output


@pytest.mark.exhaustive
def test_where_no_cluster_is_found_flags_are_asked_for(tmp_path):
    status, output = join_by_itself(tmp_path).wait()
    assert status == 1
    assert re.search(r"error: --distributed=auto finds no cluster here .*name --coordinator_address", output), output


def test_flags_that_do_not_suffice_are_named():
    flags = SimpleNamespace(
        coordinator_address="host:1", num_processes=None, process_id=1, distributed="off", heartbeat_timeout=60
    )
    with pytest.raises(ValueError, match="needs --num_processes as well"):
        join(flags)  # pyright: ignore[reportArgumentType]
