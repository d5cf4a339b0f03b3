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
from typing import Any, NamedTuple

import cv2
import jax
import numpy as np
import pytest

from datasets.preflight import BadSamplesError
from launch.runs import training
from launch.runs.config import AlphabetConfig, Config
from launch.runs.curves_file import CurvesFile
from launch.runs.evaluating import evaluate
from launch.runs.folder import OtherRunError, load_run
from launch.runs.training import train
from recog.training.checkpoints import Checkpoints
from recog.training.record import NotFiniteError, Record
from recog.training.state import TrainState
from recog.training.writers import load_metrics
from tests.conftest import with_devices
from tests.launch.conftest import (
    StopAfter,
    assert_same_state,
    saved_arrays,
    tiny_config,
    varied_config,
    write_digits,
)
from tests.training.events import load_pictures


def steps_logged(workdir: Path, name: str = "train/ctc_loss") -> list[float]:
    return [line["step"] for line in load_metrics(workdir / "metrics.jsonl") if name in line]


def cut_off(trained, folder: Path) -> Path:
    """A copy of the shared run as it was after step 8."""
    shutil.copytree(trained.workdir, folder)
    shutil.rmtree(folder / "checkpoints" / "latest" / "12")
    return folder


def test_run_leaves_checkpoints_metrics_and_curves(trained):
    config, workdir, state = trained
    arrays, step = saved_arrays(config, workdir)
    assert step == config.train.steps == int(state.step)
    assert_same_state(arrays, state)
    assert cv2.imread(str(workdir / "curves.png")) is not None
    assert steps_logged(workdir) == [2, 4, 6, 8, 10, 12]
    assert steps_logged(workdir, "validation/accuracy") == [6, 12]
    metrics = load_metrics(workdir / "metrics.jsonl")
    assert all(0 <= line["train/input_wait"] <= 1 for line in metrics if "train/input_wait" in line)


def test_evaluations_show_predictions_confusions_and_heat_maps(trained):
    shown = load_pictures(trained.workdir)
    tags = ["validation/predictions", "validation/confusion", "validation/heat_maps"]
    assert [(found.step, found.tag) for found in shown] == [(step, tag) for step in (6, 12) for tag in tags]
    assert sum(found.bytes for found in shown) <= 2 * 300_000
    assert all(found.picture.min() < 100 for found in shown), "there is something on each"
    assert (shown[2].picture != shown[5].picture).any(), "frames change while a model learns"


def test_best_checkpoint_carries_codec_and_metrics(trained):
    config, workdir, _ = trained
    run = load_run(workdir)
    assert run.config == config
    assert run.step in (6, 12)
    assert {"accuracy", "one_minus_ned", "cer"} <= run.metrics.keys()
    with Checkpoints(workdir, writes=False) as checkpoints:
        assert checkpoints.best_metrics() == run.metrics
        assert checkpoints.for_use()[0].card()["codec"] == run.task.codec.to_json()
    assert json.loads((workdir / "codec.json").read_text()) == run.task.codec.to_json()


class Varied(NamedTuple):
    """A run with dropout, augmentation and pictures of two widths."""

    config: Config
    workdir: Path
    state: TrainState
    train_step: Any
    """Its jitted step."""


@pytest.fixture(scope="module")
def varied(digits, tmp_path_factory) -> Varied:
    config, workdir = varied_config(str(digits)), tmp_path_factory.mktemp("varied") / "run"
    jitted, jit_train_step = [], training.jit_train_step

    def remembering(*arguments):
        jitted.append(jit_train_step(*arguments))
        return jitted[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "jit_train_step", remembering)
        state = jax.device_get(train(config, workdir))
    return Varied(config, workdir, state, jitted[0])


@pytest.fixture
def drawn(tmp_path, monkeypatch) -> list[float]:
    """Last steps logged by the run in ``run``, each time that its curves are drawn."""
    steps = []
    monkeypatch.setattr(CurvesFile, "draw", lambda self: steps.append(steps_logged(tmp_path / "run")[-1]))
    return steps


def test_a_run_that_is_stopped_goes_on_bit_for_bit(varied, tmp_path, capsys, drawn):
    stopped = train(varied.config, tmp_path / "run", stop=StopAfter(3))
    assert int(stopped.step) == 3
    assert "stopped at step 3, saved; the same command goes on from there" in capsys.readouterr().out
    state = train(varied.config, tmp_path / "run")
    assert "from step 3" in capsys.readouterr().out
    assert_same_state(jax.device_get(state), varied.state)
    assert steps_logged(tmp_path / "run") == [1, 2, 3, 4, 5, 6], "a resumed run logs every step once"
    assert drawn == [3, 3, 6, 6], "curves are drawn at each evaluation and at the end"


def test_the_step_compiles_as_often_as_is_logged(varied):
    lines = load_metrics(varied.workdir / "metrics.jsonl")
    logged = [line["train/compilations"] for line in lines if "train/compilations" in line]
    assert varied.train_step._cache_size() == logged[-1] == 2, "one program for each width"


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


ENDLESS = 100_000
"""Steps of a run that no test waits for."""


@pytest.mark.parametrize("number", [pytest.param(signal.SIGKILL, marks=pytest.mark.exhaustive), signal.SIGTERM])
def test_a_process_that_is_ended_resumes_bit_for_bit(config, config_file, tmp_path, number):
    config.train.steps, config.train.evaluate_every = ENDLESS, 0
    flags = [f"--config.train.{name}={getattr(config.train, name)}" for name in ("steps", "evaluate_every")]
    process = launch(config_file, tmp_path / "run", flags=[*flags, "--stopped_status=75"])
    wait_for(tmp_path / "run" / "checkpoints" / "latest" / "4", process)
    process.send_signal(number)
    output, errors = process.communicate(timeout=120)
    _, step = saved_arrays(config, tmp_path / "run")
    assert 4 <= step < ENDLESS
    if number == signal.SIGTERM:
        assert process.returncode == 75, errors
        assert f"stopped at step {step}, saved; the same command goes on from there" in output
    states = [
        jax.device_get(train(config, tmp_path / name, stop=StopAfter(step + 3))) for name in ("run", "without_a_break")
    ]
    assert int(states[0].step) == step + 3
    assert_same_state(*states)
    steps = steps_logged(tmp_path / "run")
    assert steps == sorted(set(steps)), "a resumed run logs every step once"


def test_training_twice_is_the_same_and_a_finished_run_stays(trained, tmp_path):
    first = jax.device_get(train(trained.config, tmp_path / "run", profile_steps="2:3"))
    assert_same_state(first, trained.state)
    assert list((tmp_path / "run" / "profile").rglob("*.xplane.pb"))
    assert_same_state(jax.device_get(train(trained.config, tmp_path / "run")), trained.state)


def as_before_codecs(workdir: Path) -> None:
    """Rewrites a run's files into those that the version wrote which knew alphabets alone."""
    config = json.loads((workdir / "config.json").read_text())
    del config["init_from"], config["classes"]
    (workdir / "config.json").write_text(json.dumps(config))
    alphabet = json.loads((workdir / "codec.json").read_text())["alphabet"]
    (workdir / "codec.json").unlink()
    (workdir / "alphabet.json").write_text(json.dumps(alphabet))
    cards = list((workdir / "checkpoints").glob("*/*/card/metadata"))
    assert cards
    for path in cards:
        card = json.loads(path.read_text())
        del card["codec"], card["checksums"]
        path.write_text(json.dumps({**card, "alphabet": alphabet, "config": config}))


def test_a_run_of_an_earlier_version_is_evaluated_and_goes_on(trained, tmp_path, capsys):
    old = cut_off(trained, tmp_path / "run")
    as_before_codecs(old)
    assert load_run(old).task.codec == load_run(trained.workdir).task.codec
    evaluate(old, out=tmp_path / "old")
    evaluate(trained.workdir, out=tmp_path / "new")
    predictions = [(tmp_path / name / "predictions.tsv").read_text() for name in ("old", "new")]
    assert predictions[0] == predictions[1]
    capsys.readouterr()
    assert_same_state(jax.device_get(train(trained.config, old)), trained.state)
    assert "from step 8" in capsys.readouterr().out
    assert steps_logged(old) == steps_logged(trained.workdir)


def test_an_earlier_version_with_another_alphabet_is_refused(trained, tmp_path):
    old = cut_off(trained, tmp_path / "run")
    as_before_codecs(old)
    alphabet = json.loads((old / "alphabet.json").read_text())
    (old / "alphabet.json").write_text(json.dumps({**alphabet, "tokens": alphabet["tokens"][::-1]}))
    with pytest.raises(OtherRunError, match=r"alphabet\.tokens"):
        train(trained.config, old)


def test_settings_that_change_nothing_learnt_may_change_when_a_run_goes_on(trained, tmp_path):
    config, workdir = trained.config, cut_off(trained, tmp_path / "run")
    data = dataclasses.replace(config.data, workers=1, cache_mb=0)
    loop = dataclasses.replace(config.train, log_every=3, checkpoint_every=5)
    state = train(dataclasses.replace(config, data=data, train=loop), workdir)
    assert_same_state(jax.device_get(state), trained.state)
    with pytest.raises(OtherRunError, match=r"config.train.evaluate_every: 3 now"):  # it decides which state is best
        train(dataclasses.replace(config, train=dataclasses.replace(loop, evaluate_every=3)), workdir)


def test_another_configuration_is_refused_and_the_difference_named(trained, tmp_path):
    other, copy = dataclasses.replace(trained.config, seed=1), shutil.copytree(trained.workdir, tmp_path / "copy")
    with pytest.raises(OtherRunError, match=r"config.seed: 1 now, 0 in the run"):
        train(other, copy)


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
    assert load_run(tmp_path / "run").task.codec.alphabet.encode("0").tolist() == [1], (
        "the checkpoint has its own alphabet"
    )
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


@pytest.mark.exhaustive
def test_several_devices_train_like_one(trained, config_file, tmp_path):
    config, whole_workdir, _ = trained
    output, errors = launch(config_file, tmp_path / "run", with_devices(2)).communicate(timeout=300)
    assert "on 2 cpu" in output, errors
    assert saved_arrays(config, tmp_path / "run")[1] == config.train.steps
    losses = [
        [line["train/ctc_loss"] for line in load_metrics(workdir / "metrics.jsonl") if "train/ctc_loss" in line]
        for workdir in (whole_workdir, tmp_path / "run")
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-2)


def test_a_loss_that_is_not_finite_stops_with_step_and_samples(config, tmp_path):
    config.optimizer.learning_rate, config.optimizer.warmup_steps = 1e30, 0
    with pytest.raises(NotFiniteError, match=r"not finite at step \d+(.|\n)*labels.tsv:\d+"):
        train(config, tmp_path / "run")
    with Checkpoints(tmp_path / "run") as checkpoints:
        assert checkpoints.latest_step() is None, "nothing is saved after the trouble began"


def test_curves_show_a_run_up_to_a_loss_that_is_not_finite(varied, tmp_path, monkeypatch, drawn):
    log = Record.log

    def trouble(self, step, totals, measured, say):
        if step == 5:
            raise NotFiniteError("trouble")
        return log(self, step, totals, measured, say)

    monkeypatch.setattr(Record, "log", trouble)
    with pytest.raises(NotFiniteError, match="trouble"):
        train(varied.config, tmp_path / "run", pictures=False)
    assert drawn == [4], "without pictures, curves are drawn at the end alone"
    assert load_pictures(tmp_path / "run") == []


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
