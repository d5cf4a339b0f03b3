"""Evaluation of a detector and a reader on whole photographs: rates by hand, a row for each plate, and the sheet."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from launch import evaluate as command
from tests.launch.in_process import run_main
from tests.painted_plates import BLUE, box, paint, photograph, write_artifacts

KEYS = [
    "count",
    "plates",
    "recall_50",
    "false_alarms_per_picture",
    "ap",
    "ap_50",
    "ap_75",
    "ccpd_70",
    "end_to_end_accuracy",
    "reading_accuracy",
    "texts",
    "images_per_second",
]


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return write_artifacts(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Five plates: two read, one misread, one missed, one without a text; and a false alarm in the last photograph."""
    pictures = [photograph(*size) for size in ((480, 640), (200, 300), (300, 200), (96, 128))]
    paint(pictures[0], "123", box(40, 40, 340, 140))
    paint(pictures[0], "456", box(300, 300, 600, 400), BLUE)
    paint(pictures[1], "789", box(100, 100, 220, 140))
    paint(pictures[2], "131", box(40, 100, 160, 140))
    paint(pictures[3], "242", box(10, 10, 100, 40))
    rows = [
        ("0.png", "123", box(40, 40, 340, 140), "car"),
        ("0.png", "456", box(300, 300, 600, 400), "truck"),
        ("0.png", "555", box(20, 420, 140, 460), "truck"),
        ("1.png", "780", box(100, 100, 220, 140), "car"),
        ("2.png", "", box(40, 100, 160, 140), "car"),
    ]
    lines = [
        "\t".join([file, text, " ".join(f"{x},{y}" for x, y in corners.tolist()), name])
        for file, text, corners, name in rows
    ]
    (tmp_path / "data").mkdir()
    for number, picture in enumerate(pictures):
        assert cv2.imwrite(str(tmp_path / "data" / f"{number}.png"), picture[..., ::-1])
    (tmp_path / "data" / "boxes.tsv").write_text("\n".join([*lines, "3.png"]), encoding="utf-8")
    return tmp_path / "data"


def test_rates_rows_and_sheet(artifacts, folder, tmp_path, capsys):
    out = tmp_path / "out"
    asked = f"--detector={artifacts[0]}", f"--artifact={artifacts[1]}", f"--data=boxes:{folder}", f"--out={out}"
    run_main(command, *asked)
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(report) == KEYS
    assert report == json.loads((out / "report.json").read_text())
    expected = {
        "count": 4,
        "plates": 5,
        "recall_50": 4 / 5,
        "false_alarms_per_picture": 1 / 4,
        "ccpd_70": 1.0,
        "end_to_end_accuracy": 2 / 4,
        "reading_accuracy": 2 / 3,
        "texts": 4,
    }
    assert {name: report[name] for name in expected} == pytest.approx(expected)
    assert 0 < report["ap"] <= report["ap_50"] <= 1
    assert report["images_per_second"] > 0
    rows = [line.split("\t") for line in (out / "predictions.tsv").read_text().splitlines()]
    assert [(row[1], row[2], row[-1]) for row in rows[1:]] == [
        ("123", "123", "read"),
        ("456", "456", "read"),
        ("555", "", "missed"),
        ("780", "789", "found"),
        ("", "131", "found"),
        ("", "242", "false alarm"),
    ]
    assert all("boxes.tsv" in row[0] for row in rows[1:])
    sheet = cv2.imread(str(out / "contact_sheet.png"))
    assert sheet is not None
    outlines = [np.all(sheet[..., ::-1] == colour, axis=2).sum() for colour in ((0, 200, 60), (255, 0, 200))]
    assert min(outlines) > 0


def test_a_threshold_above_all_scores_finds_nothing_but_ranks_all(artifacts, folder, tmp_path, capsys):
    asked = f"--detector={artifacts[0]}", f"--artifact={artifacts[1]}", f"--data=boxes:{folder}", "--threshold=1"
    run_main(command, *asked)
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (report["recall_50"], report["end_to_end_accuracy"], report["false_alarms_per_picture"]) == (0, 0, 0)
    assert report["ap_50"] > 0.5
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "--workdir"),
        (("--workdir=x", "--detector=y"), "--workdir and --detector"),
        (("--workdir=x", "--artifact=y"), "--workdir and --artifact"),
        (("--detector=y", "--artifact=y"), "--data"),
        (("--detector=y", "--artifact=y", "--data=z", "--study=crnn_figure4"), "--study"),
        (("--detector={finder}", "--artifact={reader}", "--data=words:count=2"), "not boxes"),
    ],
)
def test_flags_that_do_not_go_together_are_named(arguments, named, artifacts):
    names = {"finder": artifacts[0], "reader": artifacts[1]}
    with pytest.raises(ValueError, match=named):
        run_main(command, *(argument.format(**names) for argument in arguments))
