"""Texts become arrays of one shape and come back; what cannot be learnt is named."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.alphabet import DIGITS, Alphabet
from recog.codecs import TextCodec, codec_from_json, fill
from recog.codecs.text import LONGEST_MEASURED
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


@pytest.mark.parametrize("codec", [TextCodec(DIGITS), TextCodec(MUSIC, 7, lower_case=True)])
def test_it_comes_back_from_json(codec):
    assert codec_from_json(codec.to_json()) == codec


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
