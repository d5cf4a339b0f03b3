"""Texts become arrays of one shape and come back; what cannot be learnt is named."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.alphabet import DIGITS, Alphabet
from recog.codecs import TextCodec, codec_from_json, fill
from recog.codecs.codec import EMPTY
from recog.codecs.text import LONGEST_MEASURED
from recog.codecs.text_remarks import INVISIBLE, QUOTED, WHITE_SPACE
from recog.ctc import ctc_loss, frames_needed

MUSIC = Alphabet(["C4", "D4"], separator=" ", blank="last")
SIZE = (32, 100)


@pytest.mark.parametrize("codec", [TextCodec(DIGITS, 5), TextCodec(DIGITS, 5, lower_case=True)])
@given(texts=st.lists(st.text("0123456789", min_size=1, max_size=5), max_size=4))
def test_texts_come_back(codec, texts):
    targets = codec.zeros(len(texts))
    for row, text in enumerate(texts):
        assert codec.problems(text, SIZE) == {}
        fill(targets, row, codec.encode(text))
    assert codec.show(targets) == texts
    assert targets.labels.shape == (len(texts), 5)


@pytest.mark.parametrize(
    ("label", "kinds"),
    [
        ("", ["empty_label"]),
        ("1x", ["out_of_alphabet"]),
        ("1234", ["label_too_long"]),
        ("xxxx", ["out_of_alphabet", "label_too_long"]),
        (("cat",), ["wrong_kind_of_label"]),
        (None, ["wrong_kind_of_label"]),
    ],
)
def test_problems_are_found_by_kind(label, kinds):
    codec = TextCodec(DIGITS, 3)
    assert list(codec.problems(label, SIZE)) == kinds
    if label and isinstance(label, str):
        with pytest.raises(ValueError, match=r"alphabet of 10 tokens|max_label_length is 3"):
            codec.encode(label)


def test_lower_case_is_what_is_learnt():
    codec = TextCodec(Alphabet("ab"), 3, lower_case=True)
    assert codec.show(type(codec.zeros(1))(*(x[None] for x in codec.encode("aBA")))) == ["aba"]
    assert codec.split("AB") == ["a", "b"]


@pytest.mark.parametrize("codec", [TextCodec(DIGITS), TextCodec(MUSIC, 7, lower_case=True, strip=True)])
def test_it_comes_back_from_json(codec):
    assert codec_from_json(codec.to_json()) == codec


def test_json_of_versions_without_strip_is_loaded():
    saved = TextCodec(MUSIC, 7, lower_case=True).to_json()
    del saved["strip"]
    assert codec_from_json(saved) == TextCodec(MUSIC, 7, lower_case=True)


@pytest.mark.parametrize("label", ["12", " 12", "12\u3000", "\ufeff12\u00a0", "\t12\u200b"])
def test_stripped_labels_are_learnt_without_the_white_space_at_their_ends(label):
    codec = TextCodec(DIGITS, 2, strip=True)
    assert codec.problems(label, SIZE) == codec.remarks(label) == {}
    assert codec.encode(label).labels.tolist() == [2, 3]
    assert codec.split(label) == ["1", "2"]
    assert codec.for_measuring().encode(label).lengths == 2


def test_white_space_alone_is_remarked_upon_or_stripped_to_an_empty_label():
    letters = Alphabet("01 \u3000")
    for label in (" ", "\u3000 "):
        assert TextCodec(letters).problems(label, SIZE) == {}
        assert list(TextCodec(letters).remarks(label)) == [WHITE_SPACE]
        assert list(TextCodec(letters, strip=True).problems(label, SIZE)) == [EMPTY]


def test_a_separator_that_is_a_space_goes_on_separating():
    for codec in (TextCodec(MUSIC), TextCodec(MUSIC, strip=True)):
        assert codec.encode("C4 D4 C4").lengths == 3
        assert codec.remarks("C4 D4 C4") == {}
        assert codec.problems("C4  D4", SIZE).keys() == {"out_of_alphabet"}
    assert TextCodec(MUSIC, strip=True).encode(" C4 D4 ").lengths == 2
    assert "--config.data.strip=true" in TextCodec(MUSIC).problems("C4 D4 ", SIZE)["out_of_alphabet"]


@pytest.mark.parametrize(
    ("label", "kind", "named"),
    [
        (" 1", WHITE_SPACE, "data.strip"),
        ("1\u200b", WHITE_SPACE, "U+200B ZERO WIDTH SPACE"),
        ("\u00a01", WHITE_SPACE, "U+00A0 NO-BREAK SPACE"),
        ("1\ufeff0\u200e1", INVISIBLE, "U+FEFF ZERO WIDTH NO-BREAK SPACE, U+200E LEFT-TO-RIGHT MARK"),
        ('"10"', QUOTED, "quotation marks"),
        ("“10”", QUOTED, "quotation marks"),
    ],
)
def test_what_people_rarely_mean_is_remarked_upon(label, kind, named):
    found = TextCodec(DIGITS).remarks(label)
    assert list(found) == [kind]
    assert named in found[kind]


@pytest.mark.parametrize("label", ["1", '1"', '"', '""', "it's 5'", "1 0", "می\u200cها"])
def test_ordinary_labels_are_not_remarked_upon(label):
    assert TextCodec(DIGITS, reading_order="as_written").remarks(label) == {}


def test_an_alphabet_of_capitals_with_lower_case_names_the_setting():
    reason = TextCodec(Alphabet("AB"), lower_case=True).problems("AB", SIZE)["out_of_alphabet"]
    assert "--config.data.lower_case=false" in reason
    assert "lower_case" not in TextCodec(Alphabet("AB"), lower_case=True).problems("x", SIZE)["out_of_alphabet"]


def test_class_names_follow_the_ids():
    for codec in (TextCodec(DIGITS), TextCodec(MUSIC)):
        assert len(codec.class_names) == codec.classes
        assert codec.class_names[codec.alphabet.blank_id] == ""
        for token in codec.alphabet.tokens:
            assert codec.class_names[int(codec.alphabet.encode(token)[0])] == token


def test_for_measuring_takes_longer_labels():
    codec = TextCodec(DIGITS, 3)
    assert codec.for_measuring().problems("1" * LONGEST_MEASURED, SIZE) == {}
    assert list(codec.problems("1234", SIZE)) == ["label_too_long"]


def test_extended_has_one_more_class():
    codec = TextCodec(DIGITS)
    assert codec.extended().classes == codec.classes + 1
    assert codec.extended().units[:-1] == codec.units


@pytest.mark.parametrize("saved", [{}, {"kind": "text"}, {"kind": "sounds"}, {"kind": "classes", "names": None}])
def test_damaged_descriptions_are_refused(saved):
    with pytest.raises(ValueError, match=r"damaged|unknown kind of labels"):
        codec_from_json(saved)


def test_frames_needed_are_those_of_the_loss():
    random = np.random.default_rng(0)
    labels, lengths = random.integers(1, 3, (64, 4)).astype(np.int32), random.integers(0, 5, 64).astype(np.int32)
    frames = np.full(64, 5, np.int32)
    losses = ctc_loss(jnp.zeros((64, 5, 3)), *map(jnp.asarray, (frames, labels, lengths)))
    np.testing.assert_array_equal(np.isfinite(losses), frames_needed(labels, lengths) <= frames)
    assert not np.isfinite(losses).all()


def test_a_label_of_megabytes_is_named_in_a_line():
    label = "x" * 10_000_000
    found = TextCodec(DIGITS).problems(label, SIZE)
    assert list(found) == ["label_too_long"]
    assert all(len(reason) < 400 for reason in found.values())
