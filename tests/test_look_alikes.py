"""Characters that look alike, and characters that show nothing."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.alphabet import LATIN_94
from recog.look_alikes import (
    describe,
    groups_that_look_alike,
    invisible,
    look_alike,
    same_digit,
    skeleton,
    strip_ends,
    without_invisible,
)

SPACES = [chr(code) for code in range(sys.maxunicode) if chr(code).isspace()]
ZERO_WIDTH = "\u200b\u2060\ufeff\u200e\u200f\u202a\u202e\u2066\u2069\u00ad\u180e\u3164"


def test_all_white_space_and_what_shows_nothing_goes_from_the_ends():
    for character in [*SPACES, *ZERO_WIDTH, "\x00", "\u2800"]:
        assert strip_ends(f"{character}a{character}b{character}") == f"a{character}b", describe(character)
    assert strip_ends("".join(SPACES) + ZERO_WIDTH) == ""


@given(st.text())
def test_stripping_takes_what_str_strip_takes_and_is_done_once(text):
    assert strip_ends(text) == strip_ends(text.strip()) == strip_ends(strip_ends(text))
    assert strip_ends(text) in text


@pytest.mark.parametrize("text", ["क्\u200d", "می\u200cها", "❤\ufe0f", "e\u0301", "۝", "a b", "a\u3000b"])
def test_what_changes_its_neighbours_or_takes_space_stays(text):
    assert strip_ends(text) == text
    assert invisible(text) == []


def test_invisible_characters_are_found_once_and_removed():
    assert invisible("a\u200bb\ufeffc\u200b ") == ["\u200b", "\ufeff"]
    assert without_invisible("a\u200bb\ufeffc\u200b ") == "abc "
    assert all(invisible(character) for character in ZERO_WIDTH)


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("А", "U+0410 CYRILLIC CAPITAL LETTER A"),
        ("\t", "U+0009 CONTROL CHARACTER"),
        ("京", "U+4EAC"),
        ("\ue000", "U+E000 PRIVATE USE"),
        ("\udcff", "U+DCFF SURROGATE"),
        ("e\u0301", "U+0065 LATIN SMALL LETTER E, U+0301 COMBINING ACUTE ACCENT"),
    ],
)
def test_characters_are_described_by_code_point_and_name(text, description):
    assert describe(text) == description


@pytest.mark.parametrize(
    ("token", "other"),
    [
        *zip("АВЕКМНОРСТХаеорсух", "ABEKMHOPCTXaeopcyx", strict=True),
        *zip("ΑΒΕΗΙΚΜΝΟΡΤΥΧΖο", "ABEHIKMNOPTYXZo", strict=True),
        *[(chr(ord(token) + 0xFEE0), token) for token in LATIN_94.tokens],
        *zip("–−’“／", "--'\"/", strict=True),
        ("²", None),
        ("①", None),
        ("Ж", None),
        ("京", None),
    ],
)
def test_the_token_that_a_character_looks_like(token, other):
    assert look_alike(token, LATIN_94.tokens) == other
    assert (skeleton(token) == skeleton(other or "")) == (other is not None)


def test_of_several_look_alikes_one_of_the_same_category_is_taken():
    assert look_alike("О", ("0", "O")) == "O"
    assert look_alike("０", ("O", "0")) == "0"
    assert look_alike("О", ("0",)) == "0"
    assert look_alike("O", ("O", "x")) is None
    assert look_alike("С4", ("D4", "C4")) == "C4"


def test_digits_of_other_scripts_by_their_value():
    assert [same_digit(digit, "0123456789") for digit in "٠७۳x½12"] == ["0", "7", "3", None, None, "1", "2"]
    assert same_digit("٩", "012") is None
    assert same_digit("12", "012") is None


def test_groups_within_a_set_of_characters():
    assert groups_that_look_alike("AaOo0l1I|-'`") == []
    assert groups_that_look_alike("xАAа") == [["А", "A"]]
    assert groups_that_look_alike("0OОo") == [["O", "О"]]
    assert groups_that_look_alike("1Il١") == []
    assert groups_that_look_alike("ΑА") == [["Α", "А"]]
    assert groups_that_look_alike("-–A") == [["-", "–"]]
    assert groups_that_look_alike(" \u00a0\u3000") == [[" ", "\u00a0", "\u3000"]]


def test_canonical_forms_are_no_look_alikes():
    for character in map(chr, range(0xC0, 0x180)):
        if len(unicodedata.normalize("NFD", character)) > 1:
            assert skeleton(character) == character
