"""Finished runs that are asked for more steps go on where that is the same run; otherwise the mend is named."""

import json
import shutil
from pathlib import Path

import jax
import pytest

from launch.runs.assembly import documents
from launch.runs.config import Config
from launch.runs.folder import OtherRunError, refuse_other_run
from launch.runs.tasks import make_task
from launch.runs.training import train
from tests.launch.conftest import assert_same_state, price_reader, tiny_config


def finished(folder: Path, config: Config) -> Path:
    """A folder like that of a finished run."""
    (folder / "checkpoints" / "latest" / str(config.train.steps)).mkdir(parents=True)
    for name, document in documents(config, make_task(config)).items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


def ask(folder: Path, config: Config, **settings) -> None:
    refuse_other_run(folder, documents(config, make_task(config)), **settings)


def test_a_longer_run_with_a_constant_rate_goes_on_bit_for_bit(config, tmp_path):
    config.optimizer.schedule, config.optimizer.warmup_steps = "constant", 1
    config.train.evaluate_every, config.train.steps = 0, 2
    train(config, tmp_path / "run")
    config.train.steps = 4
    states = [jax.device_get(train(config, tmp_path / name)) for name in ("run", "at_once")]
    assert_same_state(*states)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["train"]["steps"] == 4


@pytest.mark.parametrize("schedule", ["cosine", "exponential"])
def test_where_the_length_shapes_the_rate_the_mend_is_named(tmp_path, schedule):
    config = tiny_config("digits")
    config.optimizer.schedule = schedule
    folder = finished(tmp_path, config)
    ask(folder, config)
    config.train.steps *= 2
    with pytest.raises(OtherRunError, match=rf"steps: 24 now, 12 in the run[\s\S]*--config\.init_from={folder}"):
        ask(folder, config)


def test_only_longer_runs_that_differ_in_nothing_else_go_on(tmp_path):
    config = tiny_config("digits")
    config.optimizer.schedule = "constant"
    folder = finished(tmp_path, config)
    config.train.steps = 24
    ask(folder, config)
    with pytest.raises(OtherRunError, match="24 now, 12 in the run"):
        ask(folder, config, longer=False)
    config.seed = 1
    with pytest.raises(OtherRunError, match="seed"):
        ask(folder, config)
    config.seed, config.train.steps = 0, 6
    with pytest.raises(OtherRunError, match="6 now, 12 in the run"):
        ask(folder, config)


def test_a_state_that_its_last_evaluation_changed_does_not_go_on(tmp_path):
    config = price_reader("prices")
    config.optimizer.schedule = "constant"
    assert make_task(config).learns_from_validation
    for every, steps, message in ((5, 24, "24 now"), (0, 24, "24 now"), (4, 24, "")):
        config.train.evaluate_every, config.train.steps = every, 12
        folder = finished(tmp_path / str(every), config)
        config.train.steps = steps
        if message:
            with pytest.raises(OtherRunError, match=message):
                ask(folder, config)
        else:
            ask(folder, config)


def test_a_finished_run_says_so(trained, tmp_path, capsys):
    copy = shutil.copytree(trained.workdir, tmp_path / "copy")
    train(trained.config, copy)
    captured = capsys.readouterr()
    assert "all 12 steps are done" in captured.out
    assert f"--config.init_from={copy}" in captured.out
    assert "step/s" not in captured.err
