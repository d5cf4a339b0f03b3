"""Class names become numbers and come back; others are refused by name."""

import numpy as np
import pytest

from recog.codecs import ClassCodec, Reading, codec_from_json, fill

CODEC = ClassCodec(("cat", "dog", "other"))


def test_names_come_back():
    targets = CODEC.zeros(3)
    for row, name in enumerate(("dog", "cat", "other")):
        fill(targets, row, CODEC.encode(name))
    assert targets.classes.tolist() == [1, 0, 2]
    assert CODEC.show(targets) == ["dog", "cat", "other"]


def test_readings_are_the_most_probable_names():
    probabilities = np.array([[0.1, 0.7, 0.2], [0.5, 0.25, 0.25]], np.float32)
    assert CODEC.readings({"probabilities": probabilities}) == [
        Reading("dog", float(np.float32(0.7))),
        Reading("cat", 0.5),
    ]


def test_others_are_refused_by_name():
    assert list(CODEC.problems("wolf", (32, 32))) == ["unknown_class"]
    assert list(CODEC.problems(3, (32, 32))) == ["wrong_kind_of_label"]
    with pytest.raises(ValueError, match="'wolf' is not one of the 3 classes cat, dog, other"):
        CODEC.encode("wolf")


@pytest.mark.parametrize("names", [(), ("cat",), ("cat", "cat"), ("cat", "")])
def test_names_must_tell_classes_apart(names):
    with pytest.raises(ValueError, match="classes="):
        ClassCodec(names)


def test_it_comes_back_from_json():
    assert codec_from_json(CODEC.to_json()) == CODEC


def test_the_most_probable_names_are_listed_best_first():
    probabilities = np.array([[0.2, 0.7, 0.1], [0.4, 0.4, 0.2]], np.float32)
    lists = CODEC.lists({"probabilities": probabilities}, 2)
    assert [[reading.text for reading in readings] for readings in lists] == [["dog", "cat"], ["cat", "dog"]]
    assert lists[0][0].confidence == pytest.approx(0.7)
    assert len(CODEC.lists({"probabilities": probabilities}, 9)[0]) == 3
