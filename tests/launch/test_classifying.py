"""A classifier goes through the ordinary commands: it trains, is cut off, resumes, is evaluated, exported, served."""

import dataclasses
import json
import shutil

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from datasets.pipeline import DataConfig
from datasets.specs import open_source
from launch.benchmarks.backbone_features import backbone_features
from launch.benchmarks.baselines_table import report
from launch.runs.class_options import ClassOptions
from launch.runs.config import Config
from launch.runs.evaluating import evaluate
from launch.runs.evaluating_artifact import evaluate_artifact
from launch.runs.evaluating_classes import shown_first
from launch.runs.exporting import export
from launch.runs.folder import load_run
from launch.runs.training import train
from recog.cli.decoding import Decoding
from recog.cli.predicting_lines import print_lines
from recog.evaluation.predictions import Prediction
from recog.export.artifact import Artifact
from recog.models.classifier import ClassifierConfig
from recog.tasks.classifying import ClassifyingTask
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig
from tests.launch.in_process import parse
from tests.launch.pictures import write_dark_and_bright
from tests.training.events import load_pictures


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Config:
    folder = tmp_path_factory.mktemp("shapes")
    write_dark_and_bright(folder, 24)
    return Config(
        classes=("dark", "bright"),
        data=DataConfig(train=f"folder:{folder}", holdout=0.25, batch_size=6, height=16, width=16, channels=3),
        model=ClassifierConfig(width=1 / 64, backbone="vgg"),
        augment=AugmentConfig(translate=0.1, flip=0.5, crop=0.5, mixup=0.1),
        optimizer=OptimizerConfig(learning_rate=0.03, schedule="constant"),
        train=LoopConfig(steps=20, log_every=5, evaluate_every=10, checkpoint_every=10),
    )


@pytest.fixture(scope="module")
def workdir(config, tmp_path_factory):
    """A run that was cut off half way and went on, and ended as it had without a break."""
    folder = tmp_path_factory.mktemp("run")
    straight = jax.device_get(train(config, folder))
    shutil.rmtree(folder / "checkpoints" / "latest" / "20")
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(train(config, folder)), straight)
    return folder


def test_it_learns_and_tells_its_rates(workdir):
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    last = {name: value for line in lines for name, value in line.items()}
    assert last["validation/accuracy"] == 1.0
    assert last["validation/log_loss"] < 0.3
    assert last["validation/f1/dark"] == 1.0
    assert last["train/cross_entropy_loss"] < 0.5
    assert (workdir / "curves.png").stat().st_size > 1000
    shown = {(found.step, found.tag) for found in load_pictures(workdir)}
    assert shown == {(step, f"validation/{name}") for step in (10, 20) for name in ("predictions", "confusion")}
    assert json.loads((workdir / "codec.json").read_text()) == {"kind": "classes", "names": ["dark", "bright"]}


def test_it_is_evaluated_exported_and_served(workdir, tmp_path, capsys):
    folder = tmp_path / "report"
    report = evaluate(workdir, out=folder, options=ClassOptions(("whole", "flip")), calibrates=True)
    assert list(report)[:5] == ["count", "accuracy", "log_loss", "log_loss_clipped", "ece"]
    assert report["accuracy"] == 1.0
    assert {path.name for path in folder.iterdir()} == {
        *("report.json", "predictions.tsv", "contact_sheet.png", "calibration.png", "calibration.json"),
        *("confusion.tsv", "confusion.png"),
    }
    saved = json.loads((folder / "calibration.json").read_text())
    assert saved["log_loss_before"] == pytest.approx(report["log_loss"], rel=1e-4)
    assert (saved["count"], saved["views"]) == (6, ["whole", "flip"])
    rows = (tmp_path / "report" / "predictions.tsv").read_text().splitlines()
    assert len(rows) == 7
    assert {row.split("\t")[1] for row in rows[1:]} == {"dark", "bright"}
    assert all(row.split("\t")[1] == row.split("\t")[2] for row in rows[1:])
    with pytest.raises(ValueError, match=r"was fitted with .*'whole', 'flip'.*calibrate again"):
        export(workdir, tmp_path / "artifact", options=ClassOptions(temperature=str(folder / "calibration.json")))
    options = ClassOptions(("whole", "flip"), str(folder / "calibration.json"))
    agreement = export(workdir, tmp_path / "artifact", options=options)
    assert agreement.difference <= 1e-5
    card = Artifact.load(tmp_path / "artifact").card
    assert (card.settings["temperature"], card.settings["views"]) == (saved["temperature"], ["whole", "flip"])
    assert card.metrics == {}, "these views were not measured in training"
    pictures = [np.full((20, 30), 30, np.uint8), np.full((20, 30, 3), 220, np.uint8)]
    artifact = Artifact.load(tmp_path / "artifact")
    assert [reading.text for reading in artifact.read_pictures(pictures)] == ["dark", "bright"]
    plain = load_run(workdir)
    images = np.stack([artifact.fit(picture) for picture in pictures])
    mirrored = images[:, :, ::-1]
    sizes = np.full((2, 2), 16, np.int32)
    predict = jax.jit(plain.task.predict)
    views = [np.asarray(predict(plain.variables, view, sizes)["probabilities"]) for view in (images, mirrored)]
    expected = special.softmax(np.log(np.mean(views, axis=0)) / saved["temperature"], axis=1)
    np.testing.assert_allclose(artifact.predict(images, sizes)["probabilities"], expected, rtol=1e-3, atol=1e-6)
    served(tmp_path / "artifact", tmp_path, capsys)
    data = plain.config.data.train
    of_run = evaluate(workdir, data, tmp_path / "of_run", options=options)
    found = evaluate_artifact(str(tmp_path / "artifact"), data, tmp_path / "of_artifact")
    assert list(found) == list(of_run)
    assert {**found, "images_per_second": 0} == pytest.approx({**of_run, "images_per_second": 0}, rel=1e-3)
    names = [{path.name for path in (tmp_path / folder).iterdir()} for folder in ("of_run", "of_artifact")]
    assert names[0] == names[1]


def served(artifact, folder, capsys) -> None:
    """The command prints the most probable classes of a picture, best first."""
    cv2.imwrite(str(folder / "bright.png"), np.full((20, 30, 3), 220, np.uint8))
    print_lines(str(artifact), [str(folder / "bright.png")], Decoding(), top=3)
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [reading["text"] for reading in row["readings"]] == ["bright", "dark"]
    assert sum(reading["confidence"] for reading in row["readings"]) == pytest.approx(1, abs=1e-3)


def test_the_features_are_those_of_its_last_layer(workdir, config, capsys):
    run, source = load_run(workdir), open_source(config.data.train)
    found = backbone_features(workdir, source)
    assert found.names == ("bright", "dark"), "sorted: of the samples, not of the run"
    places = list(found.features.places)
    assert [found.names[number] for number in found.classes] == [source[place].label for place in places]
    layer = run.variables["params"]["classifier"]
    logits = found.features.values @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])
    pictures = jnp.asarray([config.data.preprocess(source[place].image) for place in places])
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


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ({"loss": "hinge"}, "model.loss"),
        ({"label_smoothing": 1.0}, "model.label_smoothing"),
        ({"class_weights": (1.0, 2.0, 3.0)}, "each of the 2 classes dark, bright"),
        ({"class_weights": (1.0, 0.0)}, "factor above 0"),
        ({"views": ("flip",)}, "views="),
        ({"temperature": 0.0}, "model.temperature"),
    ],
)
def test_settings_that_make_no_sense_are_named(config, tmp_path, setting, match):
    with pytest.raises(ValueError, match=match):
        train(dataclasses.replace(config, model=dataclasses.replace(config.model, **setting)), tmp_path)


def test_settings_are_flags():
    file = "--config=launch/configs/quickstart.py"
    saved = parse(file, "--config.augment.flip=0.5", "--config.augment.crop=0.35", "--config.augment.mixup=0.2")
    assert [saved["augment"][name] for name in ("flip", "crop", "mixup")] == [0.5, 0.35, 0.2]


@pytest.mark.parametrize("text", ["", "warm", "nowhere.json"])
def test_a_temperature_is_a_number_or_a_file_of_the_same_checkpoint(workdir, tmp_path, text):
    run, file = load_run(workdir), tmp_path / "calibration.json"
    file.write_text(text)
    with pytest.raises(ValueError, match="is not a file that"):
        ClassOptions(temperature=str(file)).applied(run)
    with pytest.raises(ValueError, match="neither a number nor a file"):
        ClassOptions(temperature=text or "-").applied(run)
    file.write_text(json.dumps({"temperature": 2.0, "step": run.step + 1, "views": ["whole"]}))
    with pytest.raises(ValueError, match="calibrate again"):
        ClassOptions(temperature=str(file)).applied(run)
    warm = ClassOptions(temperature="2.5").applied(run)
    assert isinstance(warm.config.model, ClassifierConfig)
    assert isinstance(warm.task, ClassifyingTask)
    assert (warm.config.model.temperature, warm.task.temperature) == (2.5, 2.5)
    assert set(warm.metrics) == {"count", "accuracy"}, "the log loss is another one"
    assert ClassOptions().applied(run) is run


def test_the_sheet_begins_with_confident_mistakes_and_ends_with_the_right_ones_least_confident_first():
    random = np.random.default_rng(0)
    predictions = [
        Prediction(index, "cat", ("cat", "dog")[index % 3 == 0], float(random.uniform(0.5, 1))) for index in range(200)
    ]
    shown = shown_first(predictions)
    wrong = [p.confidence for p in shown[:30]]
    right = [p.confidence for p in shown[30:]]
    assert all(p.text == "dog" for p in shown[:30])
    assert all(p.text == "cat" for p in shown[30:])
    assert wrong == sorted(wrong, reverse=True)
    assert right == sorted(right)
    assert wrong[0] == max(p.confidence for p in predictions if p.text == "dog")
    few = shown_first(predictions[:10])
    assert sorted(few) == sorted(predictions[:10])
    assert len(shown_first([p for p in predictions if p.text == "dog"])) == 60
