"""Right-to-left labels are learnt from left to right and given back as they are typed."""

import unicodedata

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recog.alphabet import Alphabet
from recog.codecs import TextCodec, codec_from_json
from recog.codecs.reading_order import right_to_left, to_logical, to_visual
from recog.codecs.text_remarks import AMBIGUOUS_ORDER, RIGHT_TO_LEFT, text_remarks

SHALOM, MARHABA = "שלום", "مرحبا"
DIGITS = "0123456789"
CODEC = TextCodec(Alphabet(sorted(set(SHALOM + DIGITS + " ()-abc"))), max_length=16, reading_order="visual")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("", ""),
        ("abc 12", "abc 12"),
        (SHALOM, SHALOM[::-1]),
        (f"{SHALOM} 123", f"123 {SHALOM[::-1]}"),
        (f"{SHALOM} 12-34", f"12-34 {SHALOM[::-1]}"),
        (f"{MARHABA} 12-34", f"34-12 {MARHABA[::-1]}"),  # UAX 9, W2 and W4
        (f"abc {SHALOM}", f"{SHALOM[::-1]} abc"),
        (f"({SHALOM})", f"({SHALOM[::-1]})"),  # mirrored
        (f"{SHALOM} 50%", f"50% {SHALOM[::-1]}"),
    ],
)
def test_texts_are_shown_as_unicode_says_and_come_back(typed, shown):
    assert to_visual(typed) == shown
    assert to_logical(shown) == typed


@given(st.text(st.sampled_from("אבגמחابت0123 .,-/()%abc"), max_size=12))
@example("123 abc א")
def test_what_comes_back_is_shown_alike_or_is_remarked(typed):
    back = to_logical(to_visual(typed))
    assert (AMBIGUOUS_ORDER in text_remarks(typed, "visual")) == (back != typed and right_to_left(typed))
    if not any(character in "abc" for character in typed) and not any(c in ".,-/()%" for c in typed):
        assert back == typed


CONTROLS = "\u2066\u2067\u2069\u202b\u202c\u200f"
RIGHT_TO_LEFT_ONES = "".join(chr(code) for code in (*range(0x5D0, 0x5EB), *range(0x620, 0x64B), *range(0x660, 0x66A)))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf"]) | st.sampled_from(RIGHT_TO_LEFT_ONES)))
@example(f"{SHALOM}\u2028a")
@example("\u074d\U00010756")  # not assigned
def test_any_text_keeps_its_characters(typed):
    kept = sorted(c for c in typed if not unicodedata.mirrored(c))
    assert sorted(c for c in to_visual(typed) if not unicodedata.mirrored(c)) == kept
    assert len(to_logical(typed)) == len(typed)


@given(
    st.text(st.characters(codec="utf-8") | st.sampled_from(RIGHT_TO_LEFT_ONES + "\u2066\u2067\u2069\u202b\u202c\u200f"))
)
def test_no_text_is_too_strange(typed):
    to_logical(to_visual(typed))


def test_the_codec_learns_the_shown_order_and_reads_the_typed_one():
    label = f"{SHALOM} 12"
    targets = CODEC.encode(label)
    learnt = CODEC.alphabet.decode(targets.labels[: targets.lengths].tolist())
    assert learnt == f"12 {SHALOM[::-1]}" == "".join(CODEC.split(label))
    rows = type(targets)(targets.labels[None], targets.lengths[None])
    assert CODEC.show(rows) == [label]
    prediction = {"tokens": rows.labels, "lengths": rows.lengths, "confidence": np.ones(1)}
    assert CODEC.readings(prediction)[0].text == label


@pytest.mark.parametrize("order", ["", "as_written"])
def test_other_orders_take_labels_as_they_are(order):
    codec = TextCodec(CODEC.alphabet, 16, reading_order=order)
    assert codec.split(SHALOM) == list(SHALOM)


@pytest.mark.parametrize(("order", "kinds"), [("", {RIGHT_TO_LEFT}), ("as_written", set()), ("visual", set())])
def test_right_to_left_labels_are_remarked_until_their_order_is_set(order, kinds):
    found = TextCodec(CODEC.alphabet, 16, reading_order=order).remarks(SHALOM)
    assert set(found) == kinds
    assert all("--config.data.reading_order=visual" in reason for reason in found.values())
    assert not text_remarks("abc", order)


def test_the_setting_is_saved_and_missing_in_earlier_versions():
    saved = CODEC.to_json()
    assert codec_from_json(saved) == CODEC
    del saved["reading_order"]
    assert codec_from_json(saved) == TextCodec(CODEC.alphabet, 16)
    assert "get_display" in CODEC.card_text().example
    assert "get_display" not in codec_from_json(saved).card_text().example


def test_impossible_orders_are_refused():
    with pytest.raises(ValueError, match="reading_order='rtl': choose visual or as_written"):
        TextCodec(CODEC.alphabet, reading_order="rtl")
    with pytest.raises(ValueError, match="tokens are separated by ' '"):
        TextCodec(Alphabet(["C4", "D4"], separator=" "), reading_order="visual")
