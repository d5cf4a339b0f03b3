"""A classifier goes through the ordinary commands: it trains, is cut off, resumes, is evaluated, exported, served."""

import json

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from datasets.pipeline import DataConfig
from datasets.specs import open_source
from launch.benchmarks.backbone_features import backbone_features
from launch.benchmarks.baselines_table import report
from launch.runs.config import Config
from launch.runs.evaluating import evaluate
from launch.runs.exporting import export
from launch.runs.folder import load_run
from launch.runs.training import train
from recog.export.artifact import Artifact
from recog.models.classifier import ClassifierConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig
from tests.launch.conftest import StopAfter


def write_shapes(folder, count: int) -> None:
    """Bright and dark pictures, and what they are called."""
    random, lines = np.random.default_rng(0), []
    for index in range(count):
        name = ("dark", "bright")[index % 2]
        image = random.integers(0, 60, (16, 16, 3)) + 160 * (name == "bright")
        cv2.imwrite(str(folder / f"{index}.png"), image.astype(np.uint8))
        lines.append(f"{index}.png\t{name}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Config:
    folder = tmp_path_factory.mktemp("shapes")
    write_shapes(folder, 24)
    return Config(
        classes=("dark", "bright"),
        data=DataConfig(train=f"folder:{folder}", holdout=0.25, batch_size=6, height=16, width=16, channels=3),
        model=ClassifierConfig(width=1 / 64, backbone="vgg"),
        augment=AugmentConfig(translate=0.1),
        optimizer=OptimizerConfig(learning_rate=0.03, schedule="constant"),
        train=LoopConfig(steps=20, log_every=5, evaluate_every=10, checkpoint_every=10),
    )


@pytest.fixture(scope="module")
def workdir(config, tmp_path_factory):
    """A run that was cut off and went on, and one that was not; their last states are the same."""
    folder, whole = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("whole")
    train(config, folder, stop=StopAfter(7))
    resumed, straight = train(config, folder), train(config, whole)
    jax.tree.map(np.testing.assert_array_equal, resumed, straight)
    return folder


def test_it_learns_and_tells_its_rates(workdir):
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    last = {name: value for line in lines for name, value in line.items()}
    assert last["validation/accuracy"] == 1.0
    assert last["validation/log_loss"] < 0.3
    assert last["validation/f1/dark"] == 1.0
    assert last["train/cross_entropy_loss"] < 0.5
    assert (workdir / "curves.png").stat().st_size > 1000
    assert json.loads((workdir / "codec.json").read_text()) == {"kind": "classes", "names": ["dark", "bright"]}


def test_it_is_evaluated_exported_and_served(workdir, config, tmp_path):
    report = evaluate(workdir, out=tmp_path / "report")
    assert report["accuracy"] == 1.0
    rows = (tmp_path / "report" / "predictions.tsv").read_text().splitlines()
    assert len(rows) == 7
    assert {row.split("\t")[1] for row in rows[1:]} == {"dark", "bright"}
    assert all(row.split("\t")[1] == row.split("\t")[2] for row in rows[1:])
    agreement = export(workdir, tmp_path / "artifact")
    assert agreement.difference <= 1e-5
    pictures = [np.full((20, 30), 30, np.uint8), np.full((20, 30, 3), 220, np.uint8)]
    assert [reading.text for reading in Artifact.load(tmp_path / "artifact").read_pictures(pictures)] == [
        "dark",
        "bright",
    ]


def test_the_features_are_those_of_its_last_layer(workdir, config, capsys):
    run, source = load_run(workdir), open_source(config.data.train)
    found = backbone_features(workdir, source)
    assert found.names == ("bright", "dark"), "sorted: of the samples, not of the run"
    assert [found.names[place] for place in found.classes] == [source[int(place)].label for place in found.places]
    layer = run.variables["params"]["classifier"]
    logits = found.values @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])
    pictures = jnp.asarray([config.data.preprocess(source[int(place)].image) for place in found.places])
    sizes = jnp.full((len(pictures), 2), 16, jnp.int32)
    np.testing.assert_allclose(logits, run.task.predict(run.variables, pictures, sizes)["logits"], atol=1e-4)
    table = report(str(workdir), config.data.train, folds=2)
    assert all(line[1].startswith("100.00") for line in table.lines), table
    assert "| classifier | accuracy % | log loss | clipped | seconds |" in capsys.readouterr().out


def test_labels_of_another_kind_are_named(config, tmp_path):
    with pytest.raises(ValueError, match=r"'dark' is not one of the 2 classes cat, dog"):
        train(Config(classes=("cat", "dog"), data=config.data, model=config.model), tmp_path)
    with pytest.raises(ValueError, match="name the classes"):
        train(Config(data=config.data, model=config.model), tmp_path)
