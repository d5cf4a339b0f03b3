"""What some architectures add to a run: a drawing that helps training alone, and a loss weight that is learnt."""

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
import safetensors.numpy

from launch.runs.config import Config
from launch.runs.exporting import export
from launch.runs.training import train
from recog.models.lprnet import LPRNet, LPRNetConfig
from recog.tasks.branches import WEIGHTS
from recog.training.loop import LoopConfig
from recog.training.writers import load_metrics
from tests.launch.conftest import assert_same_state, plate_reader, tiny_config


def graphic(digits: Path) -> Config:
    config = tiny_config(str(digits))
    config.data.height, config.data.width, config.data.channels, config.data.buckets = 24, 94, 3, ()
    config.model = LPRNetConfig(width=0.05, graphic=True)
    return config


def branches(digits: Path) -> Config:
    return plate_reader(str(digits))


@pytest.fixture(scope="module", params=[graphic, branches])
def run(request, digits, tmp_path_factory):
    """A run of six steps, evaluated at the third and the last: configuration, folder, last state."""
    config, workdir = request.param(digits), tmp_path_factory.mktemp("run") / "whole"
    config.train = LoopConfig(steps=6, log_every=2, evaluate_every=3, checkpoint_every=2)
    return config, workdir, jax.device_get(train(config, workdir))


def test_a_run_cut_off_resumes_bit_for_bit(run, tmp_path):
    config, workdir, whole = run
    shutil.copytree(workdir, tmp_path / "cut")
    shutil.rmtree(tmp_path / "cut" / "checkpoints" / "latest" / "6")
    assert_same_state(jax.device_get(train(config, tmp_path / "cut")), whole)


def test_the_artifact_holds_nothing_that_only_training_needs(run, tmp_path):
    config, workdir, state = run
    export(workdir, tmp_path / "artifact")
    held = {
        name: x.size for name, x in safetensors.numpy.load_file(tmp_path / "artifact/parameters.safetensors").items()
    }
    assert not [name for name in held if "decoder/" in name or name.startswith(WEIGHTS)]
    if isinstance(config.model, LPRNetConfig):
        plain = LPRNet(LPRNetConfig(width=0.05), 11)
        images, widths = np.zeros((1, 24, 94, 3), np.float32), np.array([94])
        shapes = jax.eval_shape(lambda: plain.init(jax.random.key(0), images, widths, train=False))
        assert sum(held.values()) == sum(x.size for x in jax.tree.leaves(shapes))
        assert "decoder" in state.params


def test_what_is_added_is_logged(run):
    config, workdir, state = run
    lines = load_metrics(workdir / "metrics.jsonl")
    if isinstance(config.model, LPRNetConfig):
        assert [line["step"] for line in lines if line.get("train/image_loss", 0) > 0] == [2, 3, 4, 6]
        return
    etas = [(line["step"], line["validation/eta"]) for line in lines if "validation/eta" in line]
    assert [step for step, _ in etas] == [3, 6]
    assert etas[0][1] != 0.5, "it has moved"
    assert etas[1][1] == pytest.approx(float(state.model_state[WEIGHTS]["eta"]))
    names = {name for line in lines for name in line}
    assert {f"train/{kind}_{part}" for kind in ("loss", "accuracy") for part in ("chinese", "full")} <= names
