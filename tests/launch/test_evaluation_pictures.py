"""Confusions are drawn of the tokens and classes that are confused most."""

import numpy as np
import pytest

from launch.runs import evaluation_pictures as module
from launch.runs.evaluation_pictures import CONFUSED, confused_classes, confused_tokens
from launch.runs.shown_outputs import shown_outputs
from launch.runs.tasks import make_task
from recog.alphabet import DIGITS, Alphabet
from recog.codecs import TextCodec
from recog.evaluation.predictions import Prediction
from recog.metrics import ClassCounts
from recog.tasks.branches import BranchTask
from tests.launch.conftest import plate_reader, price_reader, tiny_config


@pytest.fixture
def drawn(monkeypatch):
    """Arguments of the matrix that is drawn."""
    calls, draw = [], module.matrix_picture

    def matrix_picture(*arguments, **settings):
        calls.append((*arguments, settings))
        return draw(*arguments, **settings)

    monkeypatch.setattr(module, "matrix_picture", matrix_picture)
    return calls


def predictions(*pairs):
    return [Prediction(place, label, text, 0.5) for place, (label, text) in enumerate(pairs)]


def test_tokens_are_counted_by_what_was_read_in_their_place(drawn):
    confused_tokens(TextCodec(DIGITS, 8), predictions(("12", "12"), ("12", "17"), ("1", ""), ("2", "29"), ("2", "2")))
    shares, rows, columns, settings = drawn[0]
    assert rows == ["1", "2", "7", "9", "inserted"]
    assert columns == ["1", "2", "7", "9", "missed"]
    expected = [[2, 0, 0, 0, 1], [0, 3, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0]]
    np.testing.assert_array_equal(settings["numbers"], expected)
    np.testing.assert_allclose(shares[0], [2 / 3, 0, 0, 0, 1 / 3])
    np.testing.assert_allclose(shares[4], [0, 0, 0, 1 / 7, 0])
    assert "7 tokens: 1 substituted, 1 missed, 1 inserted" in settings["title"]


def test_tokens_of_several_characters_stay_whole(drawn):
    codec = TextCodec(Alphabet(("do", "re", "mi"), separator=" "), 8)
    confused_tokens(codec, predictions(("do re", "do mi"), ("mi", "mi")))
    assert drawn[0][1] == ["do", "re", "mi", "inserted"]


def test_of_many_tokens_the_most_confused_are_shown(drawn):
    tokens = [chr(0x4E00 + number) for number in range(100)]
    codec = TextCodec(Alphabet(tuple(tokens)), 200)
    text = "".join(tokens)
    wrong = text.replace(tokens[70], tokens[40]).replace(tokens[90], "")
    confused_tokens(codec, predictions((text, wrong), (text, text)))
    _, rows, _, settings = drawn[0]
    assert len(rows) == CONFUSED + 1
    assert {tokens[40], tokens[70], tokens[90]} < set(rows)
    assert rows[:-1] == sorted(rows[:-1])
    assert "200 tokens: 1 substituted, 1 missed" in settings["title"]


def test_of_many_classes_the_most_confused_are_shown(drawn):
    names = tuple(f"class {number}" for number in range(60))
    truth = np.arange(60)
    probabilities = np.eye(60)
    probabilities[50] = probabilities[7]
    confused_classes(ClassCounts.of(names, truth, probabilities))
    _, rows, columns, settings = drawn[0]
    assert len(rows) == CONFUSED
    assert rows == columns
    assert settings["numbers"][rows.index("class 50"), rows.index("class 7")] == 1
    assert "98.33%" in settings["title"]


def test_heat_maps_are_for_ctc():
    assert shown_outputs(make_task(tiny_config("x"))) == ("logits", "logit_lengths")
    ctc, attention = make_task(price_reader("x")), make_task(plate_reader("x"))
    assert isinstance(ctc, BranchTask)
    assert shown_outputs(ctc)[::2] == tuple(f"logits.{branch.name}" for branch in ctc.structure.branches)
    assert shown_outputs(attention) == ()
