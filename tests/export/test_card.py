"""The card comes back as it was written, and says to people what programs read from it."""

import dataclasses
import json

import pytest

from recog.alphabet import DIGITS
from recog.codecs import TextCodec
from recog.export.card import FORMAT, HALF, Card
from recog.preprocess import Preprocess

CARD = Card(
    architecture="CRNN",
    settings={"width": 0.5},
    parameters=1234,
    preprocess=Preprocess(32, filters=("median3", "otsu")),
    training_data="folder:x",
    validation_data="folder:y",
    step=7,
    metrics={"accuracy": 0.5},
    exported="2025-01-01T00:00:00+00:00",
    versions={"jax": "0.10"},
    sha256={"program.bin": "00"},
)
CODEC = TextCodec(DIGITS)


def with_preprocess(card: Card, **changes) -> Card:
    return dataclasses.replace(card, preprocess=dataclasses.replace(card.preprocess, **changes))


@pytest.mark.parametrize(
    "card", [CARD, *(with_preprocess(CARD, **x) for x in ({"filters": ()}, {"width": 94}, {"rotate_tall": 90}))]
)
def test_a_card_comes_back_as_it_was_written(card, tmp_path):
    path = tmp_path / "card.json"
    path.write_text(card.to_json(), encoding="utf-8")
    assert Card.from_file(path) == card


@pytest.mark.parametrize("width", [0, 94])
def test_filters_are_told_to_people_in_their_order(width):
    card = with_preprocess(CARD, width=width)
    assert "filters of `recog.filters` are applied to each picture: `median3`, then `otsu`." in card.to_markdown(CODEC)
    assert "filters" not in with_preprocess(card, filters=()).to_markdown(CODEC)


def test_turned_pictures_are_told_to_people():
    text = with_preprocess(CARD, rotate_tall=270).to_markdown(CODEC)
    assert "at least 1.5 times as high as wide are turned clockwise by 270 degrees" in text
    assert "turned" not in CARD.to_markdown(CODEC)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (["of_tomorrow"], "not a model card .*filter 'of_tomorrow'"),
        (None, "not a model card"),
        (["otsu", 3], "not a model card"),
    ],
)
def test_filters_that_this_version_does_not_have_are_refused(filters, message, tmp_path):
    saved = json.loads(CARD.to_json())
    saved["preprocess"]["filters"] = filters
    path = tmp_path / "card.json"
    path.write_text(json.dumps(saved))
    with pytest.raises(ValueError, match=message):
        Card.from_file(path)


def test_another_format_is_refused(tmp_path):
    path = tmp_path / "card.json"
    path.write_text(json.dumps(json.loads(CARD.to_json()) | {"format": FORMAT - 1}))
    with pytest.raises(
        ValueError, match=f"of format {FORMAT - 1}, this version loads formats {FORMAT} and {HALF}: export it again"
    ):
        Card.from_file(path)


@pytest.mark.parametrize("name", ["filters", "height"])
def test_a_card_without_a_field_was_written_by_nobody(name, tmp_path):
    saved = json.loads(CARD.to_json())
    del saved["preprocess"][name]
    path = tmp_path / "card.json"
    path.write_text(json.dumps(saved))
    with pytest.raises(ValueError, match=rf"not a model card \(.*{name}"):
        Card.from_file(path)
