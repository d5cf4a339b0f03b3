"""Training runs: resumed bit for bit, refused when they differ, stopped when a loss is not finite."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import jax
import numpy as np
import pytest

from datasets.preflight import BadSamplesError
from launch.runs.config import AlphabetConfig
from launch.runs.folder import OtherRunError, load_run
from launch.train import train
from recog.training.checkpoints import Checkpoints
from recog.training.record import NotFiniteError
from recog.training.step import jit_train_step
from recog.training.writers import read_metrics
from tests.conftest import with_devices
from tests.launch.conftest import assert_same_state, saved_arrays, tiny_config, write_digits


@pytest.fixture(scope="module")
def whole_run(digits, tmp_path_factory):
    """A run from start to end without interruption."""
    workdir, config = tmp_path_factory.mktemp("whole"), tiny_config(str(digits))
    state = train(config, workdir)
    return config, workdir, jax.device_get(state)


def test_run_leaves_checkpoints_metrics_and_curves(whole_run):
    config, workdir, state = whole_run
    arrays, step = saved_arrays(config, workdir)
    assert step == config.train.steps == int(state.step)
    assert_same_state(arrays, state)
    assert cv2.imread(str(workdir / "curves.png")) is not None
    metrics = read_metrics(workdir / "metrics.jsonl")
    assert [line["step"] for line in metrics if "train/ctc_loss" in line] == [2, 4, 6, 8, 10, 12]
    assert [line["step"] for line in metrics if "validation/accuracy" in line] == [6, 12]
    assert all(0 <= line["train/input_wait"] <= 1 for line in metrics if "train/input_wait" in line)


def test_best_checkpoint_carries_alphabet_and_metrics(whole_run):
    config, workdir, _ = whole_run
    run = load_run(workdir)
    assert run.config == config
    assert run.step in (6, 12)
    assert {"accuracy", "one_minus_ned", "cer"} <= run.metrics.keys()
    with Checkpoints(workdir) as checkpoints:
        assert checkpoints.best_metrics() == run.metrics


def launch(config_file, workdir, more=None, flags=()):
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "JAX_PLATFORMS": "cpu", **(more or {})}
    command = [sys.executable, "-m", "launch.train", f"--config={config_file}", f"--workdir={workdir}", *flags]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path, process):
    deadline = time.monotonic() + 300
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_cut_off_resumes_bit_for_bit(whole_run, config_file, tmp_path, number):
    config, _, whole_state = whole_run
    workdir = tmp_path / "run"
    process = launch(config_file, workdir, flags=["--stopped_status=75"])
    wait_for(workdir / "checkpoints" / "latest" / "4", process)
    process.send_signal(number)
    output, errors = process.communicate(timeout=120)
    _, step = saved_arrays(config, workdir)
    if number == signal.SIGTERM:
        assert process.returncode == (75 if step < config.train.steps else 0), errors
        assert "the same command goes on from there" in output
    assert step >= 4
    if step < config.train.steps:
        state = train(config, workdir)
        assert_same_state(jax.device_get(state), whole_state)
    steps = [line["step"] for line in read_metrics(workdir / "metrics.jsonl") if "train/ctc_loss" in line]
    assert steps == sorted(set(steps)), "a resumed run logs every step once"


def test_training_twice_is_the_same_and_a_finished_run_stays(whole_run, tmp_path):
    config, _, whole_state = whole_run
    first = jax.device_get(train(config, tmp_path / "run", profile_steps="2:3"))
    assert_same_state(first, whole_state)
    assert list((tmp_path / "run" / "profile").rglob("*.xplane.pb"))
    assert_same_state(jax.device_get(train(config, tmp_path / "run")), whole_state)


def test_the_step_compiles_as_often_as_is_logged(config, tmp_path, monkeypatch):
    steps = []

    def jit(*arguments):
        steps.append(jit_train_step(*arguments))
        return steps[-1]

    monkeypatch.setattr("launch.train.jit_train_step", jit)
    train(config, tmp_path / "run")
    lines = read_metrics(tmp_path / "run" / "metrics.jsonl")
    logged = [line["train/compilations"] for line in lines if "train/compilations" in line]
    assert steps[0]._cache_size() == logged[-1] == 2, "one program for each width"


def test_a_run_of_an_earlier_version_goes_on(whole_run, tmp_path):
    config, workdir, whole_state = whole_run
    shutil.copytree(workdir, tmp_path / "run")
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    del saved["init_from"]
    (tmp_path / "run" / "config.json").write_text(json.dumps(saved))
    assert_same_state(jax.device_get(train(config, tmp_path / "run")), whole_state)


def test_settings_that_change_nothing_learnt_may_change_when_a_run_goes_on(whole_run, tmp_path):
    config, workdir, whole_state = whole_run
    shutil.copytree(workdir, tmp_path / "run")
    data = dataclasses.replace(config.data, workers=1, cache_mb=0)
    loop = dataclasses.replace(config.train, log_every=3, checkpoint_every=5)
    state = train(dataclasses.replace(config, data=data, train=loop), tmp_path / "run")
    assert_same_state(jax.device_get(state), whole_state)
    with pytest.raises(OtherRunError, match=r"config.train.evaluate_every: 3 now"):  # it decides which state is best
        train(dataclasses.replace(config, train=dataclasses.replace(loop, evaluate_every=3)), tmp_path / "run")


def test_another_configuration_is_refused_and_the_difference_named(whole_run):
    config, workdir, _ = whole_run
    other = dataclasses.replace(config, seed=1)
    with pytest.raises(OtherRunError, match=r"config.seed: 1 now, 0 in the run"):
        train(other, workdir)


def test_another_alphabet_or_other_data_is_refused(digits, tmp_path):
    folder = shutil.copytree(digits, tmp_path / "digits")
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("\n".join("0123456789"))
    config = tiny_config(str(folder))
    config.alphabet = AlphabetConfig(file=str(tokens))
    config.train.steps, config.optimizer.warmup_steps = 2, 0
    train(config, tmp_path / "run")
    tokens.write_text("\n".join("9876543210"))
    with pytest.raises(OtherRunError, match=r"alphabet\.tokens"):
        train(config, tmp_path / "run")
    tokens.unlink()
    assert load_run(tmp_path / "run").task.alphabet.encode("0").tolist() == [1], "the checkpoint has its own alphabet"
    tokens.write_text("\n".join("0123456789"))
    lines = (folder / "labels.tsv").read_text().splitlines(keepends=True)
    (folder / "labels.tsv").write_text("".join(lines[:-3]))
    with pytest.raises(OtherRunError, match=r"samples\.training\.count: \d+ now, 18 in the run"):
        train(config, tmp_path / "run")


@pytest.mark.parametrize(
    ("field", "name", "value"),
    [
        ("data", "channels", 4),
        ("data", "height", 48),
        ("data", "buckets", (64, 32)),
        ("data", "batch_size", 0),
        ("optimizer", "accumulation_steps", 0),
        ("mesh", "fsdp", 0),
        ("augment", "rotation", -3.0),
        ("model", "dtype", "float31"),
        ("model", "width", 0.0),
        ("model", "dropout", 1.0),
        ("data", "width", 48),
    ],
)
def test_settings_that_cannot_be_leave_nothing_behind(config, tmp_path, field, name, value):
    setattr(getattr(config, field), name, value)
    with pytest.raises(ValueError, match=name):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_several_devices_train_like_one(whole_run, config_file, tmp_path):
    config, whole_workdir, _ = whole_run
    output, errors = launch(config_file, tmp_path / "run", with_devices(2)).communicate(timeout=300)
    assert "on 2 cpu" in output, errors
    assert saved_arrays(config, tmp_path / "run")[1] == config.train.steps
    losses = [
        [line["train/ctc_loss"] for line in read_metrics(workdir / "metrics.jsonl") if "train/ctc_loss" in line]
        for workdir in (whole_workdir, tmp_path / "run")
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-2)


def test_a_loss_that_is_not_finite_stops_with_step_and_samples(config, tmp_path):
    config.optimizer.learning_rate = 1e30
    config.optimizer.name = "sgd"
    config.optimizer.warmup_steps = 0
    with pytest.raises(NotFiniteError, match=r"not finite at step \d+(.|\n)*labels.tsv:\d+"):
        train(config, tmp_path / "run")
    with Checkpoints(tmp_path / "run") as checkpoints:
        assert checkpoints.latest_step() is None, "nothing is saved after the trouble began"


def test_bad_samples_are_named_before_training_or_skipped(config, tmp_path, capsys):
    write_digits(tmp_path, 16)
    (tmp_path / "3.png").write_bytes(b"no picture")
    config.data.train = f"folder:{tmp_path}"
    with pytest.raises(BadSamplesError, match=r"labels.tsv:4 \(3.png\)"):
        train(config, tmp_path / "run")
    config.data.on_bad_sample = "skip"
    config.train.steps, config.optimizer.warmup_steps = 2, 0
    state = train(config, tmp_path / "run")  # the refused run has left nothing behind
    assert int(state.step) == 2
    assert "1 of " in capsys.readouterr().out


def test_no_training_data_is_said_in_a_sentence(config, tmp_path):
    config.data.train = ""
    with pytest.raises(ValueError, match=r"--config\.data\.train=folder:PATH"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists(), "a run that cannot start leaves nothing behind"
