"""Outliers are listed worst first, drawn, and left out of training by the list that names them."""

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from datasets.pipeline import DataConfig
from datasets.sources import Keyed
from launch import prepare
from launch.runs import outliers
from launch.runs.config import Config
from launch.runs.data import open_data
from launch.runs.outliers import find_outliers, rank_of
from recog.alphabet import DIGITS
from recog.codecs import ClassCodec, TextCodec
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.preprocess import Preprocess
from tests.launch.in_process import run_main
from tests.launch.pictures import load

NAMES = ("tabby", "beagle", "vase", "lamp", "sofa")
LEVELS = {0: (0.5, 0.3, 0.1, 0.06, 0.04), 40: (0.1, 0.1, 0.5, 0.2, 0.1), 80: (0.02, 0.03, 0.15, 0.3, 0.5)}
"""Probabilities that the model gives for the grey level of the upper left pixel."""


class GreyModel(Artifact):
    """Stands in for an artifact; tells classes by the grey level."""

    codec: Any = ClassCodec(NAMES)
    card: Any = SimpleNamespace(preprocess=Preprocess(8, 8, 3))

    def __init__(self):
        pass

    def predict(self, images, sizes):
        levels = (images[:, 0, 0, 0] // 40 * 40).tolist()
        return {"probabilities": np.array([LEVELS[level] for level in levels], np.float32)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Six pictures, one of them unreadable and two the same with different labels."""
    monkeypatch.setattr(outliers.Artifact, "load", lambda path: GreyModel())
    monkeypatch.setattr(outliers, "TOGETHER", 2)
    path = tmp_path / "photos"
    path.mkdir()
    levels = {"a": 5, "b": 85, "c": 45, "d": 5, "f": 85}
    for number, (name, level) in enumerate(levels.items()):
        seed = 0 if name in "ad" else number
        picture = np.random.default_rng(seed).integers(level, level + 20, (3, 4, 3), np.uint8)
        cv2.imwrite(str(path / f"{name}.png"), cv2.resize(picture, (40, 30), interpolation=cv2.INTER_NEAREST))
    (path / "e.png").write_bytes(b"")
    lines = ["a.png\tcat", "b.png\tcat", "c.png\tdog", "d.png\tdog", "e.png\tdog", "f.png\tdog"]
    (path / "labels.tsv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "classes.txt").write_text("tabby\nbeagle\n", encoding="utf-8")
    return tmp_path


def rows(path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_command_lists_draws_and_reports(folder, capsys):
    data, classes, out = f"--data=folder:{folder / 'photos'}", f"--classes={folder / 'classes.txt'}", folder / "out"
    run_main(prepare, "--outliers", data, "--model=x", classes, "--top=2", f"--out={out}")
    assert rows(out / "outliers.tsv") == [
        ["file", "label", "rank", "probability", "first", "second", "third"],
        ["b.png", "cat", "4", "0.03", "sofa 0.500", "lamp 0.300", "vase 0.150"],
        ["f.png", "dog", "4", "0.03", "sofa 0.500", "lamp 0.300", "vase 0.150"],
        ["c.png", "dog", "3", "0.1", "vase 0.500", "lamp 0.200", "tabby 0.100"],
    ]
    assert rows(out / "duplicates.tsv")[1:] == [["a.png", "cat", "d.png", "dog", "0"]]
    assert load(out / "outliers.png").shape[0] == 270
    said = capsys.readouterr().out
    assert "3 of 5 pictures" in said
    assert "with different labels: 1, such as a.png (cat) and d.png (dog)" in said
    assert "labels.tsv:5 (e.png)" in said


def test_the_list_leaves_the_outliers_out_of_training_and_validation(folder, capsys):
    data = f"folder:{folder / 'photos'}"
    out = find_outliers(data, "x", str(folder / "classes.txt"), 2, folder / "out")
    capsys.readouterr()
    sources = open_data(Config(data=DataConfig(train=data, holdout=0.34, exclude=str(out / "outliers.tsv"))))
    keys = sorted(part.key(index) for part in sources if isinstance(part, Keyed) for index in range(len(part)))
    assert keys == [b"a.png", b"d.png", b"e.png"]
    assert f"data.exclude={out / 'outliers.tsv'}: 3 samples left out of {data}\n" == capsys.readouterr().out


def test_classes_by_label_find_other_animals(folder):
    (folder / "classes.txt").write_text("cat\ttabby\ndog\tbeagle\n", encoding="utf-8")
    out = find_outliers(f"folder:{folder / 'photos'}", "x", str(folder / "classes.txt"), 1, folder / "out")
    assert [row[0] for row in rows(out / "outliers.tsv")[1:]] == ["b.png", "f.png", "c.png", "d.png"]


def test_without_outliers_no_sheet_of_before_stays(folder):
    (folder / "classes.txt").write_text("tabby\nbeagle\nvase\n", encoding="utf-8")
    (folder / "out").mkdir()
    (folder / "out" / "outliers.png").touch()
    find_outliers(f"folder:{folder / 'photos'}", "x", str(folder / "classes.txt"), 4, folder / "out")
    assert len(rows(folder / "out" / "outliers.tsv")) == 1
    assert not (folder / "out" / "outliers.png").exists()


def test_readers_and_odd_numbers_are_refused(folder, monkeypatch):
    with pytest.raises(ValueError, match=r"--top=5: choose 1 to 4"):
        find_outliers(f"folder:{folder / 'photos'}", "x", str(folder / "classes.txt"), 5, folder / "out")
    monkeypatch.setattr(GreyModel, "codec", TextCodec(DIGITS))
    with pytest.raises(ArtifactError, match="not the artifact of a classifier"):
        find_outliers(f"folder:{folder / 'photos'}", "x", str(folder / "classes.txt"), 2, folder / "out")


def test_the_rank_is_that_of_the_most_probable_wanted_class():
    rank, probability = rank_of(np.array([0.1, 0.4, 0.2, 0.3], np.float32), [0, 2])
    assert (rank, probability) == (3, pytest.approx(0.2))
