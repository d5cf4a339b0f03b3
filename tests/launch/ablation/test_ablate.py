"""The command: refused before anything runs, trains and tabulates a grid, goes on, and is shared by shards."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from absl import flags

from launch import ablate
from launch.ablation import estimate
from launch.ablation.claims import read_claim
from launch.ablation.grid import get_field, make_cells, set_field
from launch.runs.costs import count, load_config
from launch.runs.folder import load_run
from tests.launch.conftest import saved_arrays


def command(config_file, workdir, *more):
    return [
        *(sys.executable, "-m", "launch.ablate", f"--config={config_file}", f"--workdir={workdir}"),
        *("--sweep=model.recurrent.units=6,8", "--seeds=2", "--config.data.buckets=(64,)", *more),
    ]


def environment():
    return {**os.environ, "PYTHONPATH": str(Path.cwd()), "JAX_PLATFORMS": "cpu"}


def run(*arguments, expect=0):
    done = subprocess.run(command(*arguments), env=environment(), capture_output=True, text=True)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def read_csv(workdir):
    with (workdir / "table.csv").open() as lines:
        return list(csv.DictReader(lines))


@pytest.mark.slow
def test_a_grid_from_end_to_end_in_two_processes(config_file, tmp_path):
    workdir = tmp_path / "grid"
    output = run(config_file, workdir, "--jobs=2")
    assert len(list((workdir / "workers").iterdir())) == 2
    assert "units=6,seed=0: accuracy" in output
    assert "4 of 4 cells" in output
    assert {"table.md", "table.csv", "table.tex", "table.png"} <= {path.name for path in workdir.iterdir()}
    table = read_csv(workdir)
    assert [line["units"] for line in table] == ["6", "8"]
    assert {(line["finished"], line["runs"]) for line in table} == {("2", "2")}
    assert (workdir / "table.md").read_text() in output
    cells = workdir / "cells"
    configs = [load_run(cells / f"units={units},seed={seed}").config for units in (6, 8) for seed in (0, 1)]
    assert [(get_field(c, "model.recurrent.units"), c.seed) for c in configs] == [(6, 0), (6, 1), (8, 0), (8, 1)]
    trained = {path: path.stat().st_mtime_ns for path in cells.rglob("metrics.jsonl")}
    again = run(config_file, workdir, "--layout=acc/loss")
    assert trained == {path: path.stat().st_mtime_ns for path in trained}, "nothing was trained again"
    assert "| units | acc/loss |" in again


@pytest.mark.slow
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
    assert read_claim(first)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "stopping: cells save and end" in output
    assert "4 cells are not finished: the same command goes on" in output
    assert read_claim(first) is None
    config = load_run(first).config
    step = saved_arrays(config, first)[1]
    assert 0 < step < 4000


@pytest.mark.slow
def test_two_shards_share_a_grid_and_one_failure_stops_neither(config_file, tmp_path):
    workdir = tmp_path / "grid"
    sick = workdir / "cells" / "units=6,seed=1"
    sick.mkdir(parents=True)
    (sick / "checkpoints").touch()  # where a run has a folder
    more = ("--config.train.steps=4", "--config.train.evaluate_every=4", "--together=1")
    shards = [
        subprocess.Popen(
            command(config_file, workdir, *more, f"--shard={which}/2"), env=environment(), stdout=subprocess.DEVNULL
        )
        for which in (1, 2)
    ]
    codes = [shard.wait() for shard in shards]
    assert 1 in codes, "who sees the failure says so"
    logs = [(path, path.read_text()) for path in workdir.glob("cells/*/log.txt")]
    assert {path.parent.name: text.count("training CRNN") for path, text in logs} == {
        "units=6,seed=0": 1,
        "units=6,seed=1": 0,
        "units=8,seed=0": 1,
        "units=8,seed=1": 1,
    }
    ended = {line["units"]: (line["finished"], line["runs"]) for line in read_csv(workdir)}
    assert ended == {"6": ("1", "2"), "8": ("2", "2")}


@pytest.mark.slow
def test_dry_run_trains_nothing(config_file, tmp_path):
    output = run(config_file, tmp_path / "grid", "--dry_run")
    assert "| 6 | 16," in output or "| 6 | 15," in output
    assert "2 combinations, 2 seeds of each: 4 cells" in output
    assert "images/s: about" in output
    assert not (tmp_path / "grid").exists()


def values(**changes):
    found = flags.FlagValues()
    settings = {"sweep": [], "study": "", "seeds": 1, "workdir": "x"} | changes
    for name, value in settings.items():
        flags.DEFINE_string(name, "", "", flag_values=found)
        found[name].value = value
    found.mark_as_parsed()
    return found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "nothing to vary: name a --sweep=FIELD=VALUE,VALUE or a --study"),
        ({"sweep": ["model.layer=1"]}, "LPRNetConfig has no field 'layer'"),
        ({"sweep": ["model.width=a"]}, "cannot read these as values"),
        ({"study": "patent_table5"}, "LPRNetConfig has no field 'recurrent'"),
    ],
)
def test_what_cannot_be_a_grid_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ablate.make_grid(values(config=load_config("lprnet"), **changes))


def test_a_cell_that_cannot_start_is_named_before_any_does(config, tmp_path):
    grid = ablate.make_grid(values(config=config, sweep=["model.recurrent.layers=1,0"], workdir=str(tmp_path / "grid")))
    with pytest.raises(ValueError, match=r"layers=0,seed=0: model.recurrent.layers=0: choose 1 or more"):
        ablate.check_cells(grid)
    config.data.train = "folder:/nowhere"
    grid = ablate.make_grid(values(config=config, sweep=["model.recurrent.layers=1"], workdir=str(tmp_path / "grid")))
    with pytest.raises(ValueError, match=r"layers=1,seed=0: .*nowhere"):
        ablate.check_cells(grid)
    assert not (tmp_path / "grid").exists()


@pytest.mark.parametrize("text", ["2", "0/2", "3/2", "a/b", "1/"])
def test_shards_that_are_none(text):
    with pytest.raises(ValueError, match="such as 2/8"):
        ablate.parse_shard(text)
    assert ablate.parse_shard("2/8") == (2, 8)


@pytest.mark.parametrize("written", [["--study=price_table1"], ["--study", "price_table1"], ["-study", "price_table1"]])
@pytest.mark.parametrize("config", [[], ["--config=mine.py"], ["--config", "mine.py"]])
def test_a_study_brings_its_settings_however_it_is_written(written, config):
    first, *others = ablate.with_study([*config, *written, "--seeds=2", "--config.seed=4"])
    assert first.endswith("mine.py" if config else "launch/configs/price_tags.py")
    assert others[-3:] == ["--study=price_table1", "--seeds=2", "--config.seed=4"]
    assert "--config.model.structure=whole" in others[:-3]
    assert ablate.with_study(config) == config


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("data.channels", 2, "data.channels=2: choose 1"),
        ("data.cache_mb", -1, "data.cache_mb=-1: choose 0 or more"),
        ("data.on_bad_sample", "x", "data.on_bad_sample='x': choose raise or skip"),
        ("data.buckets", (200, 100), "give increasing widths"),
        ("data.batch_size", 0, "data.batch_size=0: choose 1 or more"),
        ("data.workers", -1, "data.workers=-1: choose 0 or more"),
        ("train.steps", 0, "train.steps=0: choose 1 or more"),
        ("data.filters", ("blurr",), "blurr"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_any_cell_trains(config, path, value, message):
    set_field(config, path, value)
    with pytest.raises(ValueError, match=message):
        ablate.check_trainable(config)


def test_eta_is_not_learnt_beside_accumulated_gradients():
    config = load_config("price_tags")
    config.optimizer.accumulation_steps = 2
    with pytest.raises(ValueError, match=r"model.eta_rate=0.1 looks through a step of a whole batch"):
        ablate.check_trainable(config)


def test_the_last_steps_are_evaluated_too(config):
    config.data.batch_size, config.train.evaluate_every = 1, 1000
    speed, cost = estimate.Speed(training=1e9, validation=1.0, validation_images=10.0), count(config)
    for steps, evaluations in [(999, 1), (1000, 1), (1999, 2), (2001, 3)]:
        config.train.steps = steps
        (cell,) = make_cells(config, [], 1)
        assert estimate.seconds(cell, speed, cost, cost) == pytest.approx(10 * evaluations, rel=1e-3)
