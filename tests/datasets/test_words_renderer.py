"""Rendered words: a pure function of seed and index, from a lexicon or at random, every character in the picture."""

import pickle
import string
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.specs import open_source
from datasets.synthetic.words import NARROWEST, Words, WordsConfig, draw_face, draw_text, lay_out
from recog.alphabet import LATIN_36

LUMA = np.array([0.299, 0.587, 0.114])


def source(seed: int = 0, **fields) -> Words:
    return Words(WordsConfig(seed=seed, **fields))


def lexicon(folder: Path, content: str | bytes) -> str:
    path = folder / "words.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_samples_are_uint8_rgb_of_the_configured_size():
    image, text, origin = source(3)[5]
    assert isinstance(image, np.ndarray)
    assert (image.shape, image.dtype, origin) == ((32, 100, 3), np.uint8, "words seed=3 index=5")
    assert text
    assert np.shape(source(height=64, width=256)[0].image) == (64, 256, 3)


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


@pytest.mark.parametrize(("fields", "message"), [({"width": 50}, "50x32"), ({"clutter": 2.0}, "clutter 2.0")])
def test_a_configuration_that_cannot_be_rendered_is_refused(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        source(**fields)


def test_random_words_have_every_character_and_length():
    texts = [draw_text(20, np.random.default_rng([1, index])) for index in range(3000)]
    assert set("".join(texts)) == set(LATIN_36.tokens)
    assert {len(text) for text in texts} == set(range(1, 13))
    assert any(text.isdigit() for text in texts)
    assert any(text.isalpha() for text in texts)
    assert all(LATIN_36.decode(LATIN_36.encode(text)) == text for text in texts[:300])


def test_narrow_canvases_get_short_words():
    assert max(len(source(width=64)[index].label) for index in range(100)) <= 64 // NARROWEST


def test_a_lexicon_gives_all_its_words_in_lower_case(tmp_path: Path):
    path = lexicon(tmp_path, "Hello\r\nWORLD\n\n  2nd  \n")
    texts = {source(2, lexicon=path)[index].label for index in range(60)}
    assert texts == {"hello", "world", "2nd"}


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path: Path):
    assert source(lexicon=lexicon(tmp_path, "\ufeffone\n"))[0].label == "one"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "lexicon .* is empty"),
        ("\n \n", "lexicon .* is empty"),
        ("good\nit's\n", r"line 2: \"it's\" .*\"'\""),
        ("two words\n", "line 1"),
        ("naïve\n", "ï"),
        ("a\n" + "w" * 21, "line 2: .* 21 characters, .* 20: .* width of 105"),
        (b"caf\xe9\n", "byte 3: not UTF-8"),
    ],
)
def test_a_lexicon_that_cannot_be_drawn_is_refused(tmp_path: Path, content: str | bytes, message: str):
    with pytest.raises(ValueError, match=message):
        source(lexicon=lexicon(tmp_path, content))


def test_a_missing_lexicon_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="nothing_here"):
        source(lexicon=str(tmp_path / "nothing_here.txt"))


@settings(max_examples=150)
@given(st.integers(0, 2**31), st.text(string.digits + string.ascii_lowercase, min_size=1, max_size=12))
def test_no_ink_touches_the_edge_and_each_character_has_some(seed: int, text: str):
    for clutter in (0.0, 1.0):
        mask = lay_out(text, clutter, np.random.default_rng(seed))
        assert not mask[[0, -1]].any()
        assert not mask[:, [0, -1]].any()
        assert (mask > 128).sum() >= 30 * len(text)


def test_without_clutter_characters_are_counted_by_their_ink():
    digits = "8" * 7
    for seed in range(40):
        mask = lay_out(digits, 0.0, np.random.default_rng(seed))
        assert cv2.connectedComponents((mask > 60).astype(np.uint8))[0] - 1 == 7


def test_only_faces_that_can_write_a_text_are_used():
    assert {draw_face("word", np.random.default_rng(seed)).family for seed in range(200)} == {"sans", "italic", "uni"}
    assert len({draw_face("WORD", np.random.default_rng(seed)).family for seed in range(200)}) == 9


def test_ink_and_paper_are_apart():
    for index in range(200):
        luma = np.asarray(source(4, clutter=0.0)[index].image) @ LUMA
        assert np.ptp(luma) > 60


def test_clutter_keeps_labels_and_contrast():
    clean, cluttered = source(11, clutter=0.0), source(11)
    for index in range(60):
        assert clean[index].label == cluttered[index].label
        assert np.std(np.asarray(cluttered[index].image) @ LUMA) > 2


def test_a_lexicon_may_be_named_by_an_environment_variable(tmp_path: Path, monkeypatch):
    lexicon(tmp_path, "hello\n")
    monkeypatch.setenv("LEXICA", str(tmp_path))
    (name,) = (path.name for path in tmp_path.iterdir())
    assert open_source(f"words:lexicon=$LEXICA/{name}")[0].label == "hello"
    with pytest.raises(ValueError, match="set the environment variable LEXICONS"):
        open_source("words:lexicon=$LEXICONS/x.txt")
    assert open_source("words:lexicon=,seed=1")[0].label


def test_cased_labels_are_what_is_shown(tmp_path):
    plain, cased = (source(5, lexicon=lexicon(tmp_path, "harbour\n"), cased=cased) for cased in (False, True))
    assert {plain[index].label for index in range(20)} == {"harbour"}
    labels = {cased[index].label for index in range(60)}
    assert {"harbour", "HARBOUR", "Harbour"} < labels
    assert any(not label.isalnum() for label in labels)
    assert all(len(label) <= 100 // NARROWEST for label in labels)
