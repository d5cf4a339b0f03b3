"""Rendered receipt lines: a pure function of seed and index, all signs in fair shares, every character on the paper."""

import pickle
import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.specs import open_source
from datasets.synthetic.lines import NARROWEST, Lines, LinesConfig, draw_case, draw_face, lay_out
from datasets.synthetic.receipt_texts import LONGEST, SHORTEST, SIGNS, draw_text
from launch.configs import receipt_lines_rendered

ALPHABET = set(string.digits + string.ascii_uppercase + " " + SIGNS)


def source(seed: int = 0, **fields) -> Lines:
    return Lines(LinesConfig(seed=seed, **fields))


def test_samples_are_uint8_rgb_as_wide_as_their_lines():
    stream = source(3, width=256, longest=19)
    samples = [stream[index] for index in range(60)]
    assert samples[5].origin == "lines seed=3 index=5"
    for image, text, _ in samples:
        height, width, channels = np.shape(image)
        assert (height, channels, np.asarray(image).dtype) == (32, 3, np.uint8)
        assert NARROWEST * len(text) <= width <= 256
    assert len({np.shape(sample.image)[1] for sample in samples}) > 20
    assert np.shape(source(height=48, width=800)[0].image)[0] == 48


def test_samples_are_the_same_in_any_order_and_copy():
    stream = source(9)
    expected = [stream[index] for index in range(30)]
    copy = pickle.loads(pickle.dumps(source(9)))
    for index in reversed(range(30)):
        image, text, origin = copy[index]
        assert (text, origin) == (expected[index].label, expected[index].origin)
        assert np.array_equal(image, expected[index].image)


def test_seeds_give_different_pictures():
    assert len({np.asarray(source(seed)[index].image).tobytes() for seed in range(3) for index in range(20)}) == 60


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"height": 12}, "416x12"),
        ({"clutter": 2.0}, "clutter 2.0"),
        ({"shortest": 2}, "shortest 2"),
        ({"longest": 25}, "longest 25"),
        ({"shortest": 9, "longest": 8}, "shortest 9 and longest 8"),
        ({"width": 104}, "width 104 is too narrow for 24 characters: use at least 192"),
    ],
)
def test_a_configuration_that_cannot_be_rendered_is_refused(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        source(**fields)


def test_texts_are_lines_of_all_characters_and_lengths():
    texts = [draw_text(SHORTEST, LONGEST, np.random.default_rng([1, index])) for index in range(8000)]
    counts = Counter("".join(texts))
    assert counts.keys() == ALPHABET
    assert min(counts.values()) >= 10
    assert {len(text) for text in texts} == set(range(SHORTEST, LONGEST + 1))
    assert all(text == " ".join(text.split(" ")).strip() and "  " not in text for text in texts)
    letters = sum(counts[sign] for sign in string.ascii_uppercase)
    assert 0.5 < letters / sum(counts.values()) < 0.65
    assert len(set(texts)) > 0.9 * len(texts)


def test_the_reader_has_all_characters_of_the_texts():
    tokens = receipt_lines_rendered.get_config().alphabet.tokens
    assert set(tokens) == ALPHABET
    assert len(tokens) == len(ALPHABET)


@pytest.mark.parametrize(("shortest", "longest"), [(3, 8), (8, 19), (13, 24), (24, 24)])
def test_texts_are_as_long_as_asked_for(shortest: int, longest: int):
    sizes = {len(draw_text(shortest, longest, np.random.default_rng([2, index]))) for index in range(600)}
    assert sizes == set(range(shortest, longest + 1))


def test_pictures_show_capitals_and_small_letters():
    shown = [draw_case("TOTAL AMOUNT(RM): QTY", np.random.default_rng(seed)) for seed in range(300)]
    assert {text.upper() for text in shown} == {"TOTAL AMOUNT(RM): QTY"}
    counts = Counter(shown)
    assert counts["TOTAL AMOUNT(RM): QTY"] > 120
    assert counts["Total Amount(RM): QTY"] > 60
    assert counts["Total Amount(RM): Qty"] > 5
    assert counts["total amount(rm): qty"] > 5
    assert len(counts) > 8


@settings(max_examples=200)
@given(st.integers(0, 2**31), st.integers(16, 64))
def test_characters_are_within_the_cut(seed: int, height: int):
    random = np.random.default_rng(seed)
    text = draw_case(draw_text(SHORTEST, LONGEST, random), random)
    ink, columns = lay_out(text, LinesConfig(height=height, clutter=0.0), random)
    assert len(columns) == len(text.replace(" ", ""))
    middles = columns.mean(axis=1)
    assert (np.diff(middles) > 0).all()
    assert middles.min() > 0
    assert middles.max() < ink.shape[1]
    assert ink.max() > 60


def test_clutter_keeps_labels_and_clean_pictures_are_dark_on_white():
    clean, cluttered = source(11, clutter=0.0), source(11)
    for index in range(40):
        assert clean[index].label == cluttered[index].label
        image = np.asarray(clean[index].image)
        assert image.max() == 255
        assert image.min() < 150
    assert np.mean([np.std(np.asarray(cluttered[index].image)) > 8 for index in range(200)]) > 0.96


def test_receipts_have_typefaces_of_all_families():
    assert len({draw_face(np.random.default_rng(seed)).family for seed in range(600)}) == 15


def test_a_specification_opens_lines_of_some_lengths():
    stream = open_source("lines:count=40,seed=2,width=104,longest=8")
    assert len(stream) == 40
    assert max(len(stream[index].label) for index in range(40)) <= 8
