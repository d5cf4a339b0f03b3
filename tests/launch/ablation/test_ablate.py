"""The command in processes of its own: a smoke test, and what takes many processes or signals."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ml_collections.config_flags import config_path

from launch.ablation.outcomes import RUNNING, WAITING, load_outcome
from launch.runs.costs import count
from launch.runs.folder import load_run
from tests.launch.conftest import saved_arrays


def command(config_file, workdir, *more):
    return [
        *(sys.executable, "-m", "launch.ablate", f"--config={config_file}", f"--workdir={workdir}"),
        *("--sweep=model.recurrent.units=6,8", "--seeds=2", "--config.data.buckets=(64,)", *more),
    ]


def environment():
    return {**os.environ, "PYTHONPATH": str(Path.cwd()), "JAX_PLATFORMS": "cpu"}


def run(*arguments):
    done = subprocess.run(command(*arguments), env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def read_csv(workdir):
    with (workdir / "table.csv").open() as lines:
        return list(csv.DictReader(lines))


def test_a_share_of_a_grid_from_the_command_line(config_file, tmp_path):
    workdir = tmp_path / "grid"
    short = ("--config.train.steps=4", "--config.train.evaluate_every=4")
    output = run(config_file, workdir, "--shard=2/2", "--seeds=1", *short)
    assert "units=8,seed=0: accuracy" in output
    assert "1 cells are left to other commands" in output
    assert [(line["units"], line["finished"]) for line in read_csv(workdir)] == [("6", "0"), ("8", "1")]
    assert (workdir / "table.md").read_text() in output
    config = load_run(workdir / "cells" / "units=8,seed=0").config
    assert config_path.get_value("model.recurrent.units", config) == 8


@pytest.mark.exhaustive
def test_two_processes_share_a_grid(config_file, tmp_path):
    workdir = tmp_path / "grid"
    output = run(config_file, workdir, "--jobs=2")
    assert len(list((workdir / "workers").iterdir())) == 2
    assert "4 of 4 cells" in output
    assert {(line["finished"], line["runs"]) for line in read_csv(workdir)} == {("2", "2")}
    trained = {path: path.stat().st_mtime_ns for path in workdir.rglob("metrics.jsonl")}
    run(config_file, workdir)
    assert trained == {path: path.stat().st_mtime_ns for path in trained}, "nothing was trained again"


@pytest.mark.exhaustive
def test_the_same_command_twice_at_once_trains_every_cell_once(config_file, tmp_path):
    workdir = tmp_path / "grid"
    twice = [command(config_file, workdir, "--config.train.steps=4", "--together=1")] * 2
    processes = [subprocess.Popen(one, env=environment(), stdout=subprocess.DEVNULL) for one in twice]
    assert [process.wait() for process in processes] == [0, 0]
    logs = [path.read_text() for path in workdir.glob("cells/*/log.txt")]
    assert [text.count("training CRNN") for text in logs] == [1] * 4
    assert {line["finished"] for line in read_csv(workdir)} == {"2"}


@pytest.mark.exhaustive
def test_stopped_it_goes_on_where_it_was(config_file, tmp_path):
    workdir = tmp_path / "grid"
    process = subprocess.Popen(
        command(config_file, workdir, "--config.train.steps=4000"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    first = workdir / "cells" / "units=6,seed=0"
    while not any((first / "checkpoints").glob("latest/[0-9]*")):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    assert load_outcome(first).status == RUNNING
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "stopping: cells save and end" in output
    assert "4 cells are not finished: the same command goes on" in output
    assert load_outcome(first).status == WAITING
    assert 0 < saved_arrays(load_run(first).config, first)[1] < 4000


@pytest.mark.exhaustive
def test_dry_run_trains_nothing(config, config_file, tmp_path):
    output = run(config_file, tmp_path / "grid", "--dry_run")
    config.model.recurrent.units = 6
    assert f"| 6 | {count(config).parameters:,} |" in output
    assert "2 combinations, 2 seeds of each: 4 cells" in output
    assert "images/s: about" in output
    assert not (tmp_path / "grid").exists()
