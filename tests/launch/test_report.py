"""Reports of models whose mistakes are known: numbers, files, comparison, and the page's markup."""

import csv
import dataclasses
import html.parser
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from launch import report as command
from launch.runs.folder import load_run
from launch.runs.reporting.calibrating import Fitting
from launch.runs.reporting.report import Request, make_report
from recog.alphabet import Alphabet
from recog.codecs import BoxCodec, TextCodec
from recog.export.artifact import Artifact
from tests.launch.in_process import run_main
from tests.launch.pictures import write_dark_and_bright
from tests.launch.reported import PLAIN, Brightness, write, write_plates, write_reader
from tests.painted_plates import BLUE, DETECTOR, READER, Finder, GreenReader, box, paint, photograph

PLATES = [
    ("<b>a&1.png", "128", "128"),
    ("a2.png", "481", "481"),
    ("a3.png", "907", "907"),
    ("b1.png", "159", "158"),
    ("b2.png", "260", "260"),
]
"""File, what is painted, and label: the 9 of the fourth is labelled 8."""


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


class Elements(html.parser.HTMLParser):
    """Elements that are open, checked to be closed in order, and what the page names outside itself."""

    def __init__(self, text: str):
        super().__init__()
        self.stack, self.names, self.links = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("img", "meta", "link", "br"):
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    return write_reader(folder / "right"), write_reader(folder / "confusing", confusing=True)


@pytest.fixture(scope="module")
def plates(tmp_path_factory) -> str:
    return f"folder:{write_plates(tmp_path_factory.mktemp('samples') / 'plates', PLATES)}"


@pytest.fixture(scope="module")
def written(artifacts, plates, tmp_path_factory) -> Path:
    """A report of five plates in two groups and two splits, against a reader that takes 8 for 3."""
    out = tmp_path_factory.mktemp("report")
    request = Request(
        artifact=str(artifacts[0]),
        data=(f"held:0.4:{plates}", f"kept:0.4:{plates}"),
        against=str(artifacts[1]),
        group_by=r"\((?:<b>)?(\w)",
        out=str(out),
        wanted=1.0,
    )
    assert make_report(request) == out / "report.html"
    return out


@pytest.fixture(scope="module")
def numbers(written):
    return json.loads((written / "report.json").read_text())


def test_rates_are_those_of_the_samples(numbers):
    rates = numbers["rates"]
    assert rates["accuracy"]["value"] == pytest.approx(4 / 5)
    assert rates["cer"]["value"] == pytest.approx(1 / 15)
    assert rates["mean_edit_distance"]["value"] == pytest.approx(1 / 5)
    assert rates["one_minus_ned"]["value"] == pytest.approx(1 - 1 / 15)
    assert rates["length_consistency"]["value"] == 1
    assert 0.5 <= rates["accuracy"]["low"] <= 0.8 <= rates["accuracy"]["high"] == 1  # group b has one of two right


def test_rates_are_given_by_group_and_by_split(written, numbers):
    assert numbers["rates"]["by_group"] == {
        "a": {
            "count": 3,
            "accuracy": 1,
            "cer": 0,
            "one_minus_ned": 1,
            "mean_edit_distance": 0,
            "length_consistency": 1,
            "low": None,
            "high": None,
        },
        "b": pytest.approx(
            {
                "count": 2,
                "accuracy": 0.5,
                "cer": 1 / 6,
                "one_minus_ned": 5 / 6,
                "mean_edit_distance": 0.5,
                "length_consistency": 1,
                "low": 0,
                "high": 1,
            }
        ),
    }
    splits = read_csv(written / "by_split.csv")
    assert sum(int(row["pictures"]) for row in splits) == 5
    assert [row["group"] for row in read_csv(written / "by_group.csv")] == ["a", "b"]
    assert "by_length" not in numbers["rates"]  # all are of one length


def test_characters_are_aligned(written, numbers):
    tokens = numbers["characters"]["tokens"]
    assert tokens["8"] == pytest.approx({"token": "8", "support": 3, "precision": 1, "recall": 2 / 3, "f1": 0.8})
    assert tokens["9"] == pytest.approx({"token": "9", "support": 1, "precision": 0.5, "recall": 1, "f1": 2 / 3})
    assert numbers["characters"]["confused"] == [["8", "9", 1]]
    (row,) = read_csv(written / "confused.csv")
    assert (row["label"], row["read as"], row["times"]) == ("8", "9", "1")
    assert "examples" not in row


def test_models_are_compared_on_the_same_samples(written, numbers):
    comparison = numbers["comparison"]
    assert comparison["mcnemar"] == {"only_first": 2, "only_second": 0, "p": 0.5}
    assert comparison["accuracy"] == pytest.approx([0.8, 0.4])
    assert comparison["difference"]["value"] == pytest.approx(0.4)
    assert comparison["gains"] == pytest.approx({"8": 0.8})
    page = (written / "report.html").read_text(encoding="utf-8")
    assert page.index("Only right is right") < page.index("a2.png", page.index("Only right is right"))


def test_confidences_have_thresholds(written, numbers):
    last = numbers["confidence"]["thresholds"][-1]
    predictions = read_csv(written / "predictions.csv")
    right = [float(row["confidence"]) for row in predictions if row["right"] == "1"]
    (wrong,) = (float(row["confidence"]) for row in predictions if row["right"] == "0")
    sure = [confidence for confidence in right if confidence > wrong]
    assert last["wanted"] == 1
    assert last["coverage"] == (pytest.approx(len(sure) / 5) if sure else None)
    assert {row["label"] for row in predictions} == {label for _, _, label in PLATES}


def test_the_page_is_whole_and_names_nothing_outside_itself(written):
    page = (written / "report.html").read_text(encoding="utf-8")
    elements = Elements(page)
    assert elements.stack == []
    assert all(link.startswith(("data:", "#")) for link in elements.links)
    assert "b" not in elements.names
    assert "&lt;b&gt;a&amp;1.png" in page
    assert page.count("image/png;base64") >= 5  # heat maps
    for name in ("reliability", "accuracy_by_share", "gains"):
        assert cv2.imread(str(written / f"{name}.png")) is not None


def test_a_group_of_all_samples_is_refused(artifacts, plates, tmp_path):
    request = Request(artifact=str(artifacts[0]), data=(plates,), group_by="nothing", out=str(tmp_path))
    with pytest.raises(ValueError, match=r"--group_by='nothing'.*png"):
        make_report(request)


def test_a_source_is_named_once(artifacts, plates, tmp_path):
    with pytest.raises(ValueError, match="once"):
        make_report(Request(artifact=str(artifacts[0]), data=(plates, plates), out=str(tmp_path)))


def test_a_folder_that_a_report_would_spoil_is_refused(artifacts, plates, tmp_path):
    (tmp_path / "file").touch()
    for out in (artifacts[0], tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match=f"--out={out}"):
            make_report(Request(artifact=str(artifacts[0]), data=(plates,), out=str(out)))
    fitting = Fitting(out=str(tmp_path))
    with pytest.raises(FileExistsError, match="holds files"):
        make_report(Request(artifact=str(artifacts[0]), data=(plates,), out=str(tmp_path / "new"), fitting=fitting))
    assert not (tmp_path / "new").exists()


def test_models_are_compared_on_the_samples_that_both_can_be_judged_by(artifacts, tmp_path):
    fewer = dataclasses.replace(GreenReader(), codec=TextCodec(Alphabet("0123456")))
    other = write(tmp_path / "other", fewer, READER)
    data = f"folder:{write_plates(tmp_path / 'plates', [('a.png', '121', '121'), ('b.png', '358', '358')])}"
    request = Request(artifact=str(artifacts[0]), data=(data,), against=str(other), out=str(tmp_path / "out"))
    with pytest.raises(ValueError, match=rf"(?s)--against={other}.*b\.png"):
        make_report(request)
    make_report(dataclasses.replace(request, on_bad_sample="skip"))
    comparison = json.loads((tmp_path / "out" / "report.json").read_text())["comparison"]
    assert comparison["accuracy"] == [1, 1]
    assert comparison["gains"] == {}
    assert "Only the 1 picture that both" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_folder_without_a_model_to_compare_with_is_named(artifacts, plates, tmp_path):
    request = Request(artifact=str(artifacts[0]), data=(plates,), against=str(tmp_path / "x"), out=str(tmp_path / "y"))
    with pytest.raises(ValueError, match=rf"--against={tmp_path / 'x'} holds neither"):
        make_report(request)


def test_models_of_different_kinds_are_not_compared(artifacts, plates, tmp_path):
    finder = write(tmp_path / "finder", Finder(), DETECTOR)
    request = Request(artifact=str(artifacts[0]), data=(plates,), against=str(finder), out=str(tmp_path / "out"))
    with pytest.raises(ValueError, match="boxes"):
        make_report(request)


def test_a_temperature_is_stored_and_used(artifacts, plates, tmp_path):
    fitting = Fitting(plates, str(tmp_path / "calibrated"))
    make_report(Request(artifact=str(artifacts[0]), data=(plates,), out=str(tmp_path / "out"), fitting=fitting))
    found = json.loads((tmp_path / "out" / "report.json").read_text())["confidence"]["temperature"]
    assert found["count"] == 5
    picture = np.zeros((40, 120, 3), np.uint8)
    paint(picture, "263", box(0, 0, 120, 40))
    (before,), (after,) = (
        Artifact.load(folder).read_pictures([picture]) for folder in (artifacts[0], tmp_path / "calibrated")
    )
    assert after.text == before.text == "263"
    assert after.confidence == pytest.approx(before.confidence ** (1 / found["value"]), rel=1e-5)


def test_a_run_is_reported_on_its_validation_samples_with_its_evidence(trained, tmp_path):
    make_report(Request(workdir=str(trained.workdir), out=str(tmp_path)))
    run = load_run(trained.workdir)
    numbers = json.loads((tmp_path / "report.json").read_text())
    assert numbers["count"] == 6
    assert numbers["rates"]["accuracy"]["value"] == pytest.approx(run.metrics["accuracy"])
    assert numbers["rates"]["cer"]["value"] == pytest.approx(run.metrics["cer"])
    assert numbers["model"]["parameters"] > 0
    assert "Evidence for each prediction" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_classifiers_have_their_own_sections(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_dark_and_bright(folder, 8)
    labels = (folder / "labels.tsv").read_text().replace("0.png\tdark", "0.png\tbright")
    (folder / "labels.tsv").write_text(labels)
    artifact = write(tmp_path / "artifact", Brightness(), PLAIN)
    make_report(Request(artifact=str(artifact), data=(f"folder:{folder}",), out=str(tmp_path / "out")))
    numbers = json.loads((tmp_path / "out" / "report.json").read_text())
    assert numbers["rates"]["accuracy"]["value"] == pytest.approx(7 / 8)
    assert numbers["classes"]["confused"] == [["bright", "dark", 1]]
    matrix = read_csv(tmp_path / "out" / "confusion.csv")
    assert [(row["dark"], row["bright"]) for row in matrix] == [("3", "0"), ("1", "4")]
    dark = numbers["classes"]["classes"]["dark"]
    assert dark["precision"] == pytest.approx(3 / 4)
    assert dark["recall"] == 1
    row = read_csv(tmp_path / "out" / "confused.csv")[0]
    assert (row["label"], row["classified as"]) == ("bright", "dark")
    assert (tmp_path / "out" / "roc.png").is_file()


def test_detectors_have_their_own_sections(tmp_path):
    (tmp_path / "data").mkdir()
    pictures = [photograph(96, 128) for _ in range(3)]
    paint(pictures[0], "123", box(10, 10, 70, 30))
    paint(pictures[1], "456", box(10, 40, 70, 60), BLUE)
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(tmp_path / "data" / f"{number}.png"), picture[..., ::-1])
    rows = ["0.png\t\t10,10 70,10 70,30 10,30\tcar", "1.png", "2.png\t\t10,10 70,10 70,30 10,30\ttruck"]
    (tmp_path / "data" / "boxes.tsv").write_text("\n".join(rows))
    artifact = write(tmp_path / "finder", Finder(), DETECTOR)
    data = (f"boxes:{tmp_path / 'data'}",)
    other = write(tmp_path / "other", Finder(codec=BoxCodec(("truck", "car"))), DETECTOR)  # calls cars trucks
    make_report(Request(artifact=str(artifact), data=data, against=str(other), out=str(tmp_path / "out")))
    numbers = json.loads((tmp_path / "out" / "report.json").read_text())
    assert numbers["rates"]["recall_50"]["value"] == pytest.approx(1 / 2)
    assert numbers["rates"]["precision_50"]["value"] == pytest.approx(1 / 2)
    assert numbers["rates"]["false_alarms_per_picture"]["value"] == pytest.approx(1 / 3)
    assert numbers["comparison"]["mcnemar"] == {"only_first": 1, "only_second": 0, "p": 1}
    by_score = {row["score ≥"]: row for row in numbers["detection"]["by_score"]}
    assert by_score[0.6]["precision"] == pytest.approx(1 / 2)
    assert by_score[0.7]["precision"] == 1  # the false alarm has a score of 0.6
    assert numbers["detection"]["by_size"] == [{"size": "32 to 96 pixels", "objects": 2, "found": 0.5}]  # of 60 by 20
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "pixels of the picture as the model takes it" in page
    assert page.index("Only finder is right") < page.index("0.png", page.index("boxes of"))
    assert page.index("Missed objects") < page.index("2.png") < page.index("False alarms") < page.rindex("1.png")


def test_the_command_prints_the_page(artifacts, plates, tmp_path, capsys):
    run_main(command, f"--artifact={artifacts[0]}", f"--data={plates}", f"--out={tmp_path}")
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "report.html")
