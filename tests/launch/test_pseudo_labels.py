"""Confident readings of unlabelled pictures become training samples, never those of validation pictures."""

import dataclasses
import shutil

import cv2
import numpy as np
import pytest

from datasets.mixture import Mixture
from datasets.pipeline import DataConfig
from datasets.relabelled import Relabelled
from datasets.sources import Folder, Subset
from launch.runs import assembly, pseudo_labels
from launch.runs.codecs import make_codec
from launch.runs.config import Config
from launch.runs.data import check, needs_to_measure
from launch.runs.evaluating import evaluate
from launch.runs.folder import load_json
from launch.runs.pseudo_label_file import FILE, PseudoLabel, load_labels
from launch.runs.pseudo_labels import check_unlabelled, open_unlabelled, select, unseen
from launch.runs.tasks import make_task
from launch.runs.training import train
from recog.evaluation.predictions import Prediction
from recog.models.classifier import ClassifierConfig
from tests.launch.conftest import StopAfter
from tests.launch.pictures import write_folder

DATA = DataConfig(unlabelled="pictures:new", pseudo_confidence=0.9)


def prediction(index: int, text: str, confidence: float) -> Prediction:
    return Prediction(index, "", text, confidence)


@pytest.fixture
def pictures(tmp_path) -> Subset:
    return Subset(Folder(write_folder(tmp_path / "pictures", *"012345")), [1, 2, 4, 5])


def test_readings_with_a_text_that_are_confident_enough_are_kept(pictures, capsys):
    readings = [prediction(0, "7", 0.9), prediction(1, "8", 0.89), prediction(2, "", 0.99), prediction(3, "9", 1.0)]
    assert select(DATA, pictures, readings) == [PseudoLabel("1.png", "7", 0.9, 1), PseudoLabel("5.png", "9", 1.0, 5)]
    said = capsys.readouterr().out
    assert "2 of 4 readings have a confidence of 0.9 or more" in said
    assert "100% from 0.5 on" in said
    assert "75% from 0.9 on, 50% from 0.95 on" in said


def test_without_confident_readings_the_highest_confidence_is_named(pictures):
    with pytest.raises(ValueError, match=r"none of the 2 readings of data\.unlabelled=pictures:new .* is 0\.410"):
        select(DATA, pictures, [prediction(0, "7", 0.41), prediction(1, "8", 0.2)])


@pytest.fixture
def samples(config: Config):
    """A function that checks a folder as training or validation samples."""
    codec = make_codec(config)
    return lambda source: check(source, needs_to_measure(config.data, codec), "raise", "samples", pictures=True)


def test_pictures_that_validate_or_have_labels_are_left_out(config, samples, tmp_path, capsys):
    source = Folder(write_folder(tmp_path / "pictures", *"012345"))
    training, validation = (samples(Subset(source, indices)) for indices in ([0, 3], [1, 2]))
    left = unseen(config.data, source, make_codec(config), training, validation)
    assert list(left.indices) == [4, 5]
    assert "2 of 6 pictures are validation samples and 2 have labels in data.train" in capsys.readouterr().out


def test_if_all_pictures_validate_it_is_said_how_to_hold_some_out(config, samples, tmp_path):
    source = Folder(write_folder(tmp_path / "pictures", *"012"))
    with pytest.raises(ValueError, match=r"no picture .* is left: .*kept:0\.5:SOURCE"):
        unseen(config.data, source, make_codec(config), samples(Subset(source, [0])), samples(source))


@pytest.mark.parametrize("spec", ["plates:count=3", "0.5*plates + 0.5*folder:{}"])
def test_pictures_without_names_are_refused(spec, digits):
    with pytest.raises(ValueError, match="renderer or a mixture: name one source of stored pictures"):
        open_unlabelled(spec.format(digits))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, r"needs a trained reader .*--config\.init_from=WORKDIR"),
        ({"unlabelled_share": 1.0}, r"data\.unlabelled_share=1\.0: choose"),
        ({"pseudo_confidence": 90}, r"data\.pseudo_confidence=90: choose"),
    ],
)
def test_settings_that_do_not_go_together_are_named(config, digits, settings, reason):
    config.data = dataclasses.replace(config.data, unlabelled=f"pictures:{digits}", **settings)
    with pytest.raises(ValueError, match=reason):
        assembly.trainable(config)


def test_a_classifier_is_refused():
    config = Config(classes=("cat", "dog"), model=ClassifierConfig(), data=dataclasses.replace(DATA, width=32))
    with pytest.raises(ValueError, match=r"data\.unlabelled is for readers of text, this model predicts class"):
        check_unlabelled(config, make_task(config))


@pytest.fixture
def self_training(config, trained, tmp_path) -> Config:
    """Two steps from the trained run, with a folder of other pictures without labels."""
    folder = tmp_path / "new"
    folder.mkdir()
    for number in range(6):
        noise = np.random.default_rng(number).integers(0, 256, (32, 60), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), noise)
    config.init_from = str(trained.workdir)
    config.data.unlabelled, config.data.pseudo_confidence = f"pictures:{folder}", 0.0
    config.data.unlabelled_share, config.optimizer.warmup_steps = 0.25, 0
    config.train = dataclasses.replace(config.train, steps=2, log_every=1, evaluate_every=2, checkpoint_every=1)
    return config


def test_a_run_is_resumed_with_the_labels_that_it_began_with(self_training, trained, tmp_path, monkeypatch):
    texts = ["1", "", "23", "4", "5", "678"]
    monkeypatch.setattr(
        pseudo_labels,
        "_predict",
        lambda config, pictures: [prediction(index, text, 0.5) for index, text in enumerate(texts)],
    )
    gone, run = tmp_path / "gone", tmp_path / "run"
    shutil.copytree(trained.workdir, gone)
    self_training.init_from = str(gone)
    train(self_training, run, stop=StopAfter(1))
    labels = load_labels(run, open_unlabelled(self_training.data.unlabelled))
    assert [label.text for label in labels] == [text for text in texts if text]
    shutil.rmtree(gone)
    monkeypatch.delattr(pseudo_labels, "_predict")
    resumed = assembly.assemble(self_training, run)
    mixture = resumed.training.source
    assert resumed.start == 1
    assert isinstance(mixture, Mixture)
    assert mixture.counts == [3, 1]
    pseudo = mixture.sources[1]
    assert isinstance(pseudo, Relabelled)
    assert [pseudo[i].label for i in range(len(pseudo))] == [label.text for label in labels]
    assert resumed.samples == load_json(run / "samples.json")
    (run / FILE).write_text((run / FILE).read_text().replace("678", "67"))
    with pytest.raises(ValueError, match="differs"):
        train(self_training, run)


def test_the_model_of_init_from_reads_as_it_evaluates(self_training, digits, trained, tmp_path):
    source = Folder(digits)
    read = pseudo_labels._predict(self_training, Subset(source, range(len(source))))
    evaluate(trained.workdir, f"folder:{digits}", tmp_path)
    lines = (tmp_path / "predictions.tsv").read_text().splitlines()[1:]
    texts, confidences = zip(*(line.split("\t")[2:] for line in lines), strict=True)
    assert [reading.text for reading in read] == list(texts)
    np.testing.assert_allclose([r.confidence for r in read], [float(c) for c in confidences], atol=1e-4)


def test_readings_are_searched_in_a_pattern(self_training):
    self_training.data.pseudo_pattern = r"4\d"
    source = open_unlabelled(self_training.data.unlabelled)
    read = pseudo_labels._predict(self_training, Subset(source, range(len(source))))
    assert [(len(reading.text), reading.text[0]) for reading in read] == 6 * [(2, "4")]
