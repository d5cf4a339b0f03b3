"""A submission: probabilities by the numbers of the files, or an error and no file."""

import csv
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from recog.cli import submission
from recog.cli.submission import Choices, write_submission
from recog.codecs import ClassCodec, Codec
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.preprocess import Preprocess


class Brightness(Artifact):
    """Stands for an artifact: the probability of the second class is the brightness of the picture."""

    scale = 1.0
    """Sum of the probabilities; sigmoids have others than 1."""

    def __init__(self, codec: Codec):
        self.codec = codec
        self.card: Any = SimpleNamespace(preprocess=Preprocess(8, 8, 3))

    def predict(self, images, sizes):
        bright = images.astype(np.float64).mean(axis=(1, 2, 3)) / 255
        return {"probabilities": self.scale * np.stack([1 - bright, bright], axis=1)}


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(submission.Artifact, "load", lambda folder, runtime: Brightness(ClassCodec(("cat", "dog"))))
    folder = tmp_path / "test"
    folder.mkdir()
    for number, brightness in {1: 0, 2: 102, 10: 255, 11: 51, 9: 153}.items():
        cv2.imwrite(str(folder / f"{number}.png"), np.full((20, 30, 3), brightness, np.uint8))
    return folder


def rows(path):
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    return [(int(row["id"]), float(row["label"])) for row in found]


def test_probabilities_are_clipped_and_sorted_by_number(pictures, tmp_path, capsys):
    out = tmp_path / "new" / "submission.csv"
    write_submission("art", [str(pictures)], out, Choices(batch_size=2))
    assert out.read_text().splitlines()[:2] == ["id,label", "1,0.005"]
    assert rows(out) == [(1, 0.005), (2, 0.4), (9, 0.6), (10, 0.995), (11, 0.2)]
    printed = capsys.readouterr().out
    assert "5 probabilities of 'dog', of which 2 were clipped" in printed
    assert "6 ids between 1 and 11 have no picture, such as 3" in printed
    write_submission("art", [str(pictures)], out, Choices(clip=0.25, positive="cat"))
    assert rows(out) == [(1, 0.75), (2, 0.6), (9, 0.4), (10, 0.25), (11, 0.75)]
    assert [path.name for path in out.parent.iterdir()] == ["submission.csv"]


def test_probabilities_of_sigmoids_are_shares_of_their_sum(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(Brightness, "scale", 0.5)
    write_submission("art", [str(pictures)], tmp_path / "out.csv", Choices())
    assert rows(tmp_path / "out.csv") == [(1, 0.005), (2, 0.4), (9, 0.6), (10, 0.995), (11, 0.2)]


def test_unreadable_pictures_are_listed_and_nothing_is_written(pictures, tmp_path):
    (pictures / "3.png").write_bytes(b"")
    (pictures / "12.jpg").write_bytes(b"cut short")
    out = tmp_path / "submission.csv"
    out.write_text("of an earlier run")
    with pytest.raises(ValueError, match=r"2 of 7 pictures (.|\n)*3\.png: (.|\n)*12\.jpg: "):
        write_submission("art", [str(pictures)], out, Choices(batch_size=3))
    assert out.read_text() == "of an earlier run"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cat.1.jpg", "2b.jpg"], r"2 files by their ids(.|\n)*2b\.jpg(.|\n)*cat\.1\.jpg"),
        (["02.png"], r"all but one of each(.|\n)*2\.png and"),
    ],
)
def test_names_that_are_no_ids_are_listed(pictures, tmp_path, names, message):
    for name in names:
        (pictures / name).touch()
    with pytest.raises(ValueError, match=message):
        write_submission("art", [str(pictures)], tmp_path / "out.csv", Choices())
    assert not (tmp_path / "out.csv").exists()


def test_what_cannot_be_submitted_is_refused(pictures, tmp_path, monkeypatch):
    out = tmp_path / "out.csv"
    with pytest.raises(ValueError, match="bird: choose cat or dog"):
        write_submission("art", [str(pictures)], out, Choices(positive="bird"))
    with pytest.raises(ValueError, match="is a folder: name a file"):
        write_submission("art", [str(pictures)], tmp_path, Choices())
    with pytest.raises(ValueError, match="nowhere"):
        write_submission("art", [str(tmp_path / "nowhere")], out, Choices())
    monkeypatch.setattr(submission.Artifact, "load", lambda folder, runtime: Brightness(ClassCodec(("a", "b", "c"))))
    with pytest.raises(ArtifactError, match="art is a classifier of 3 classes"):
        write_submission("art", [str(pictures)], out, Choices())
