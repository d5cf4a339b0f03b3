"""Report of pictures with classes, against counts by hand."""

import json

import cv2
import numpy as np
import pytest

from datasets.class_report import holds_classes, make_class_report
from datasets.class_source import ClassPictures
from datasets.mixture import Mixture
from datasets.needs import Needs
from datasets.pipeline import DataConfig
from datasets.specs import open_source
from recog.codecs import ClassCodec

PREPROCESS = DataConfig(height=16, width=16, channels=3).preprocess


@pytest.fixture
def pets(tmp_path):
    """Four cats, one twice and one 6 times as high as wide, two dogs, one with the picture of a cat, and no picture."""
    random = np.random.default_rng(0)
    sizes = {"cat/0.png": (20, 40), "cat/1.png": (20, 40), "cat/2.png": (60, 10), "dog/0.png": (40, 20)}
    for path, size in sizes.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / path), random.integers(0, 256, (*size, 3), np.uint8))
    (tmp_path / "cat/3.png").write_bytes((tmp_path / "cat/1.png").read_bytes())
    (tmp_path / "dog/1.png").write_bytes((tmp_path / "cat/0.png").read_bytes())
    (tmp_path / "dog/2.png").write_bytes(b"cut short")
    return tmp_path


def test_classes_sizes_and_duplicates_are_counted(pets):
    found = make_class_report(ClassPictures(pets), PREPROCESS)
    assert (found.samples, found.usable) == (7, 6)
    assert found.classes == {"cat": 4, "dog": 2}
    assert found.problems == {"unreadable": 1, "empty_label": 0}
    assert found.examples["unreadable"][0].origin.endswith("dog/2.png")
    assert found.remarks == {}, "a class is no text that a tall picture is too narrow for"
    assert found.sizes["width in pixels"]["minimum"] == 10
    assert found.sizes["height in pixels"]["maximum"] == 60
    assert found.sizes["width / height"]["median"] == 2.0
    assert (found.duplicates.same_file, found.duplicates.other_label) == (2, 2)
    json.dumps(found.to_json())
    summary = "\n".join(found.summary())
    assert "2 classes, the commonest of 66.7%: cat 4, dog 2" in summary
    assert "cat/0.png and" in summary


def test_classes_of_a_model_are_compared(pets):
    codec = ClassCodec(("cat", "bird"))
    found = make_class_report(ClassPictures(pets), PREPROCESS, Needs(PREPROCESS, codec, codec.problems))
    assert (found.unknown, found.unseen) == (("dog",), ("bird",))
    assert found.problems["unknown_class"] == 2
    assert found.usable == 4


def write_labels(folder, labels):
    lines = []
    for number, label in enumerate(labels):
        (folder / f"{number}.png").touch()
        lines.append(f"{number}.png\t{label}\n")
    (folder / "labels.tsv").write_text("".join(lines))
    return open_source(f"folder:{folder}")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["cat", "dog"] * 20, True),
        ([str(number % 10) for number in range(500)], True),
        ([f"A{number}" for number in range(40)], False),
        ([f"A{number // 4}" for number in range(400)], False),
        (["cat", "dog"] * 4, False),
        (["blank"] * 40, False),
    ],
)
def test_labels_are_classes_if_each_is_that_of_many_samples(tmp_path, labels, expected):
    source = write_labels(tmp_path, labels)
    assert holds_classes(source) is expected
    assert holds_classes(Mixture([source], [1])) is expected


def test_class_folders_hold_classes_however_few_and_renderers_do_not(pets):
    assert holds_classes(ClassPictures(pets))
    assert not holds_classes(open_source("arithmetic"))
