"""Evaluation: the report's last line, the predictions, whatever the batch size."""

import json
import shutil

import cv2
import numpy as np
import pytest

from datasets.pipeline import DataConfig
from datasets.preflight import preflight
from datasets.specs import open_source
from launch import evaluate as command
from launch.runs.box_tiles import FOUND, LABELLED
from launch.runs.config import to_json
from launch.runs.data import Samples, needs_to_measure
from launch.runs.evaluating import evaluate
from launch.runs.evaluation_files import tiles
from launch.runs.folder import claim, load_run
from launch.runs.training import train
from recog.codecs import BoxCodec
from recog.evaluation.predictions import Prediction
from recog.evaluation.tally import Evaluation
from recog.metrics.boxes import BoxCounts
from tests.launch.conftest import tiny_config
from tests.launch.in_process import run_main
from tests.launch.pictures import write_boxes

KEYS = ["count", "accuracy", "one_minus_ned", "cer", "mean_edit_distance", "length_consistency", "images_per_second"]


def test_report_predictions_and_sheet(trained, digits, tmp_path):
    workdir = trained.workdir
    report = evaluate(workdir, f"folder:{digits}", tmp_path)
    assert list(report) == KEYS
    assert report["count"] == 24
    assert json.loads((tmp_path / "report.json").read_text()) == report
    lines = (tmp_path / "predictions.tsv").read_text().splitlines()
    labels = [line.split("\t")[1] for line in (digits / "labels.tsv").read_text().splitlines()]
    assert [line.split("\t")[1] for line in lines[1:]] == labels, "in the order of the source"
    assert cv2.imread(str(tmp_path / "contact_sheet.png")) is not None


def test_own_validation_samples_are_the_default_and_the_last_line_is_the_report(trained, tmp_path, capsys):
    run_main(command, f"--workdir={trained.workdir}", f"--out={tmp_path}")
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["count"] == 6
    assert json.loads((tmp_path / "report.json").read_text()) == report


def test_predictions_do_not_depend_on_the_batch_size(trained, digits, tmp_path):
    workdir = trained.workdir
    evaluate(workdir, f"folder:{digits}", tmp_path / "four")
    loaded = load_run(workdir)
    for size in (1, 7, 24):
        loaded.config.data.batch_size = size
        other = tmp_path / str(size)
        claimed = tmp_path / f"run{size}"
        claim(claimed, {"config": to_json(loaded.config)})
        (claimed / "checkpoints").symlink_to(workdir / "checkpoints")
        evaluate(claimed, f"folder:{digits}", other)
        assert (other / "predictions.tsv").read_text() == (tmp_path / "four" / "predictions.tsv").read_text()


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json does not exist"):
        evaluate(tmp_path)


def test_validation_samples_that_have_changed_are_refused(digits, tmp_path):
    folder = shutil.copytree(digits, tmp_path / "digits")
    config = tiny_config(str(folder))
    config.train.steps, config.optimizer.warmup_steps = 1, 0
    train(config, tmp_path / "run")
    assert evaluate(tmp_path / "run")["count"] == 6
    listed = (folder / "labels.tsv").read_text()
    shutil.copy(folder / "0.png", folder / "new.png")
    (folder / "labels.tsv").write_text(listed + "".join(f"./{n}.png\t1\n" for n in range(9)))
    with pytest.raises(ValueError, match=r"digits has changed since .*run was trained: .*Name other samples"):
        evaluate(tmp_path / "run")
    (folder / "labels.tsv").write_text(listed)
    for path in folder.glob("*.png"):  # others under the same names
        cv2.imwrite(str(path), np.full((32, 30), 128, np.uint8))
    with pytest.raises(ValueError, match="has changed since"):
        evaluate(tmp_path / "run")
    assert evaluate(tmp_path / "run", f"folder:{folder}", tmp_path / "out")["count"] == 24


def test_the_sheet_of_a_detector_outlines_labels_and_detections(tmp_path):
    """Pictures with a mistake come first; corners of detections are in pixels of the scaled picture."""
    source = open_source(f"boxes:{write_boxes(tmp_path / 'in')}")
    codec, data = BoxCodec(("plate",)), DataConfig(height=80, width=120, letterbox=True)  # twice the size
    second = [[10, 10], [90, 10], [90, 30], [10, 30]]
    alarm = {"class": "plate", "corners": [[100, 40], [110, 40], [110, 50], [100, 50]], "score": 0.5}
    found = [[], [{"class": "plate", "corners": second, "score": 0.9}], [alarm]]
    predictions = [
        Prediction(index, str(codec.scaled(source[index].label, 2, 2)), json.dumps(rows), 1.0)
        for index, rows in enumerate(found)
    ]
    checked = preflight(source, needs_to_measure(data, codec), on_bad_sample="raise")
    evaluation = Evaluation(predictions, BoxCounts(0.5), 1.0, None)
    shown = tiles(evaluation, Samples(source, checked), data.preprocess)
    assert [(tile.text, tile.label) for tile in shown] == [
        ("0 of 2 found", "2 of 2 found"),
        ("0 of 0 found, 1 false alarm", "0 of 0 found"),
        ("1 of 1 found", "1 of 1 found"),
    ]
    outlines = [[(tile.image == colour).all(axis=2).any() for colour in (LABELLED, FOUND)] for tile in shown]
    assert outlines == [[True, False], [False, True], [False, True]], "an exact detection covers its label"
    rows, columns = np.nonzero((shown[1].image == FOUND).all(axis=2))
    np.testing.assert_allclose([columns.min(), rows.min(), columns.max(), rows.max()], [50, 20, 55, 25], atol=4)
