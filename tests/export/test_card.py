"""The card comes back as it was written, and says to people what programs read from it."""

import dataclasses
import json

import pytest

from recog.alphabet import DIGITS
from recog.export.card import FORMAT, Card

CARD = Card(
    architecture="CRNN",
    settings={"width": 0.5},
    parameters=1234,
    height=32,
    width=0,
    channels=1,
    training_data="folder:x",
    validation_data="folder:y",
    step=7,
    metrics={"accuracy": 0.5},
    exported="2025-01-01T00:00:00+00:00",
    versions={"jax": "0.10"},
    sha256={"program.bin": "00"},
    filters=("median3", "otsu"),
)


@pytest.mark.parametrize("card", [CARD, dataclasses.replace(CARD, filters=()), dataclasses.replace(CARD, width=94)])
def test_a_card_comes_back_as_it_was_written(card, tmp_path):
    path = tmp_path / "card.json"
    path.write_text(card.to_json(), encoding="utf-8")
    assert Card.from_file(path) == card


@pytest.mark.parametrize("width", [0, 94])
def test_filters_are_told_to_people_in_their_order(width):
    card = dataclasses.replace(CARD, width=width)
    assert "through these filters of `recog.filters`: `median3`, then `otsu`." in card.to_markdown(DIGITS)
    assert "filters" not in dataclasses.replace(card, filters=()).to_markdown(DIGITS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filters": ["of_tomorrow"]}, "no model card .*filter 'of_tomorrow'"),
        ({"filters": None}, "no model card"),
        ({"filters": "otsu"}, "no model card .*filters='otsu'"),
        ({"format": FORMAT - 1}, f"of format {FORMAT - 1}, this version reads {FORMAT}: export it again"),
    ],
)
def test_what_this_version_cannot_use_is_refused(change, message, tmp_path):
    path = tmp_path / "card.json"
    path.write_text(json.dumps(json.loads(CARD.to_json()) | change))
    with pytest.raises(ValueError, match=message):
        Card.from_file(path)


def test_a_card_without_filters_was_written_by_nobody(tmp_path):
    saved = json.loads(CARD.to_json())
    del saved["filters"]
    path = tmp_path / "card.json"
    path.write_text(json.dumps(saved))
    with pytest.raises(ValueError, match=r"no model card \('filters'\)"):
        Card.from_file(path)
