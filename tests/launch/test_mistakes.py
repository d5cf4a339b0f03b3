"""What users get wrong is said in a sentence, before any work is done or lost."""

import dataclasses
import json
import os
import shutil
import stat
import subprocess
import sys

import pytest

from datasets.pipeline import DataConfig
from launch.runs.assembly import show_notes
from launch.runs.config import Config
from launch.runs.evaluating import evaluate
from launch.runs.folder import load_run
from launch.runs.imported import import_weights
from launch.runs.tasks import make_task
from launch.runs.training import train
from recog.models.alexnet import AlexNetConfig
from recog.models.crnn_plate import CRNNPlateConfig
from recog.models.lprnet import LPRNetConfig
from recog.models.multitask import MultiTaskConfig
from recog.models.plate_reader import PlateReaderConfig
from recog.models.resnet import ResNet18Config
from tests.launch.in_process import parse


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained.workdir, tmp_path / "copy")


@pytest.mark.parametrize(
    "model",
    [AlexNetConfig(), CRNNPlateConfig(), LPRNetConfig(), MultiTaskConfig(), PlateReaderConfig(), ResNet18Config()],
    ids=lambda model: type(model).__name__,
)
def test_models_of_one_width_ask_for_it(model):
    """They would take padding for picture."""
    config = Config(data=DataConfig(height=32, width=0), model=model)
    config.alphabet.name = "digits"
    with pytest.raises(ValueError, match=r"reads pictures of one width: set data\.width"):
        make_task(config)


def test_a_run_that_failed_before_its_first_checkpoint_does_not_lock_its_folder(config, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps({"type": "Config", "seed": 99}))
    config.train.steps, config.optimizer.warmup_steps = 1, 0
    assert int(train(config, tmp_path / "run").step) == 1


def test_decay_with_two_updates_a_batch_is_refused(config, tmp_path):
    config.model, config.data.buckets = LPRNetConfig(width=0.05, graphic=True), ()
    config.data.height, config.data.width, config.data.channels = 24, 94, 3
    config.optimizer.weight_decay = 0.01
    with pytest.raises(ValueError, match=r"weight_decay=0\.01 would shrink every parameter at each of the 2 updates"):
        train(config, tmp_path / "run")


def test_what_is_no_configuration_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"does not return a launch\.runs\.config\.Config"):
        train({"steps": 3}, tmp_path / "run")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("content", ["{}", "[]", '{"type": "Conf', '{"type": "Config"}'])
def test_a_damaged_configuration_is_named(copy, content):
    (copy / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"damaged|does not fit"):
        load_run(copy)


def test_damaged_checkpoints_are_named(copy):
    for folder in (copy / "checkpoints").glob("*/*/state"):
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"copy.checkpoints are damaged or of another version"):
        load_run(copy)


def test_evaluating_writes_nothing_into_the_run_but_its_results(copy, digits, tmp_path):
    shutil.rmtree(copy / "checkpoints" / "latest")
    before = set(copy.rglob("*"))
    evaluate(copy, f"folder:{digits}", tmp_path / "out")
    assert set(copy.rglob("*")) == before


def test_an_out_that_cannot_be_is_said_before_anything_is_read(copy, digits, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("launch.runs.evaluating.load_run", pytest.fail)
    with pytest.raises(FileExistsError, match="file"):
        evaluate(copy, f"folder:{digits}", tmp_path / "file")


def test_weights_are_not_imported_among_other_files(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(FileExistsError, match="name a new or an empty folder"):
        import_weights("lprnet_pytorch", "weights.pth", tmp_path)


def test_branches_that_do_not_tell_the_whole_text_are_noted(capsys):
    def task(*branches):
        config = Config(data=DataConfig(height=32, width=64), model=MultiTaskConfig(branches=branches))
        return make_task(dataclasses.replace(config, alphabet=dataclasses.replace(config.alphabet, name="price")))

    show_notes(task())
    show_notes(task("integer", "decimal"))
    assert not capsys.readouterr().out
    show_notes(task("no_point"))
    assert "no_point alone do not tell a whole text" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("config", "message"),
    [("README.md", "README.md, line"), ("launch/runs/data.py", "get_config"), ("launch/configs/nowhere.py", "nowhere")],
)
def test_what_is_no_file_of_a_configuration_is_said(config, message):
    with pytest.raises(SystemExit, match=f"error: .*{message}"):
        parse(f"--config={config}")


def test_the_command_line_is_read_closely():
    command = [sys.executable, "-m", "launch.cost", "config.train.steps=5"]
    process = subprocess.run(command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, capture_output=True, text=True)
    assert process.returncode == 1
    assert "'config.train.steps=5'" in process.stderr
    assert "--name=value" in process.stderr
    assert "Traceback" not in process.stderr


def test_other_accounts_may_read_an_artifact(exported):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in exported.folder.iterdir()}
    assert modes == {0o644}
