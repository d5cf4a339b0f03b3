"""Alphabets keep their order through texts, files and JSON, and name what does not fit."""

import copy
import json
import pickle
import string
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog import alphabet
from recog.alphabet import Alphabet, BlankPlace, UnknownTokenError

places = st.sampled_from(("first", "last"))
characters = st.characters(codec="utf-8", exclude_characters="\n\r\ufeff")
character_lists = st.lists(characters, min_size=1, max_size=20, unique=True)
words = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\ufeff\t"), min_size=1, max_size=5)
word_lists = st.lists(words, min_size=1, max_size=20, unique=True)


@st.composite
def alphabets(draw: st.DrawFn) -> Alphabet:
    if draw(st.booleans()):
        return Alphabet(draw(character_lists), draw(places))
    return Alphabet(draw(word_lists), draw(places), separator="\t")


# Ids


@given(alphabets(), st.data())
def test_encode_and_decode_are_inverse(letters: Alphabet, data: st.DataObject) -> None:
    tokens = data.draw(st.lists(st.sampled_from(letters.tokens)))
    text = letters.separator.join(tokens)
    ids = letters.encode(text)
    assert ids.dtype == np.int32
    assert ids.shape == (len(tokens),)
    assert letters.decode(ids) == text
    assert letters.decode(ids.tolist()) == text
    assert letters.split(text) == tokens


@given(alphabets())
def test_ids_follow_the_order_of_the_tokens_around_the_blank(letters: Alphabet) -> None:
    ids = [int(letters.encode(token)[0]) for token in letters.tokens]
    assert ids == [number for number in range(letters.classes) if number != letters.blank_id]
    assert letters.blank_id == (0 if letters.blank == "first" else letters.classes - 1)


def test_blank_first_and_last_by_hand() -> None:
    assert Alphabet("abc").encode("cab").tolist() == [3, 1, 2]
    assert Alphabet("abc", blank="last").encode("cab").tolist() == [2, 0, 1]
    assert (Alphabet("abc").blank_id, Alphabet("abc", "last").blank_id, Alphabet("abc").classes) == (0, 3, 4)


def test_empty_text_has_no_ids() -> None:
    assert Alphabet("ab").encode("").tolist() == []
    assert Alphabet(["ab", "c"], separator=" ").encode("").tolist() == []
    assert Alphabet("ab").decode([]) == ""


def test_tokens_of_several_characters_are_cut_at_the_separator() -> None:
    music = Alphabet(["clef-G2", "note-C4", "|"], separator=" ")
    assert music.encode("clef-G2 note-C4 note-C4 |").tolist() == [1, 2, 2, 3]
    assert music.decode([3, 1]) == "| clef-G2"


def test_unknown_tokens_are_all_named_with_their_positions() -> None:
    with pytest.raises(UnknownTokenError) as caught:
        alphabet.PRICE.encode("RM 12.50")
    assert caught.value.unknown == ((0, "R"), (1, "M"), (2, " "))
    for part in ("'RM 12.50'", "'R' at position 0", "'M' at position 1", "' ' at position 2", "add the tokens"):
        assert part in str(caught.value)


def test_a_doubled_separator_is_said_to_be_one() -> None:
    with pytest.raises(UnknownTokenError, match="nothing between two separators at position 1"):
        Alphabet(["ab", "c"], separator=" ").encode("ab  c")


def test_unknown_token_error_crosses_process_borders() -> None:
    with pytest.raises(UnknownTokenError) as caught:
        alphabet.DIGITS.encode("1x")
    restored = pickle.loads(pickle.dumps(caught.value))
    assert str(restored) == str(caught.value)
    assert restored.unknown == caught.value.unknown


@pytest.mark.parametrize(
    ("blank", "ids", "message"),
    [
        ("first", [1, 0], "id 0 at position 1 is the blank"),
        ("last", [3], "id 3 at position 0 is the blank"),
        ("first", [4], "id 4 at position 0 is outside 0 to 3"),
        ("last", [-1], "id -1 at position 0 is outside 0 to 3"),
    ],
)
def test_decode_refuses_blanks_and_foreign_ids(blank: BlankPlace, ids: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Alphabet("abc", blank).decode(ids)


# Construction


@pytest.mark.parametrize(
    ("tokens", "separator", "message"),
    [
        ("", "", "at least one token"),
        (["a", ""], "", "token 1 is empty"),
        ("abca", "", "token 'a' at 0 and 3"),
        (["a", "bc"], "", "token 'bc' has 2 characters.*separator=' '"),
        (["a b", "c"], " ", "token 'a b' .*separator ' '"),
        (["ab", "c"], "--", "separator '--' has 2 characters"),
        (["\n"], "", "cannot be a line"),
        (["\ud800"], "", "cannot be a line"),
    ],
)
def test_what_makes_no_alphabet_is_refused_by_name(tokens: list[str], separator: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Alphabet(tokens, separator=separator)


def test_the_blank_goes_first_or_last_only() -> None:
    with pytest.raises(ValueError, match="blank='middle'"):
        Alphabet("ab", blank="middle")  # pyright: ignore[reportArgumentType]


@given(alphabets())
def test_equal_hashable_and_copied_by_value(letters: Alphabet) -> None:
    same = Alphabet(list(letters.tokens), letters.blank, letters.separator)
    for twin in (same, pickle.loads(pickle.dumps(letters)), copy.deepcopy(letters)):
        assert twin == letters
        assert hash(twin) == hash(letters)
        assert [twin.encode(token).tolist() for token in twin.tokens] == [
            letters.encode(token).tolist() for token in letters.tokens
        ]


def test_order_blank_and_separator_tell_alphabets_apart() -> None:
    assert len({Alphabet("ab"), Alphabet("ba"), Alphabet("ab", "last"), Alphabet("ab", separator=" ")}) == 4


def test_immutable() -> None:
    letters = Alphabet("ab")
    with pytest.raises(FrozenInstanceError):
        letters.tokens = ("c",)  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(letters, "__dict__")


def test_repr_stays_short() -> None:
    assert repr(Alphabet("ab")) == "Alphabet(('a', 'b'), blank='first', separator='')"
    assert len(repr(Alphabet([chr(code) for code in range(0x4E00, 0x6E00)]))) < 100


# JSON and files


@given(alphabets())
def test_json_keeps_everything(letters: Alphabet) -> None:
    assert Alphabet.from_dict(json.loads(json.dumps(letters.to_dict()))) == letters


def test_json_with_other_keys_is_refused() -> None:
    with pytest.raises(ValueError, match=r"this one has \['blank', 'tokens'\]"):
        Alphabet.from_dict({"tokens": ["a"], "blank": "first"})


@pytest.mark.parametrize(
    "content",
    [b"a\n \nb\n", b"a\n \nb", b"a\r\n \r\nb\r\n", b"\xef\xbb\xbfa\n \nb\n"],
    ids=["final newline", "no final newline", "crlf", "byte order mark"],
)
def test_file_forms_that_editors_write(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokens.txt"
    path.write_bytes(content)
    assert Alphabet.from_file(path) == Alphabet(["a", " ", "b"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\na\n", r"tokens\.txt:3: .*'a'.* line 1"),
        (b"a\n\nb\n", r"tokens\.txt:2: empty line"),
        (b"a\nb\n\n", r"tokens\.txt:3: empty line"),
        (b"a\n\xff\n", r"tokens\.txt:2: .* is not UTF-8"),
        (b"abc\n", r"tokens\.txt: token 'abc' has 3 characters"),
        (b"", r"tokens\.txt: an alphabet needs at least one token"),
    ],
)
def test_bad_files_are_named_with_the_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "tokens.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        Alphabet.from_file(path)


# Presets


def test_preset_sizes() -> None:
    sizes = {
        "DIGITS": 10,
        "PRICE": 11,
        "ARITHMETIC": 16,
        "LATIN_36": 36,
        "LATIN_62": 62,
        "LATIN_94": 94,
        "CHINESE_PLATES": 67,
    }
    assert {name: len(vars(alphabet)[name].tokens) for name in sizes} == sizes


def test_latin_94_is_printable_ascii_in_the_order_of_the_standard_library() -> None:
    assert "".join(alphabet.LATIN_94.tokens) == string.printable[:94]
    assert alphabet.LATIN_94.tokens[:62] == alphabet.LATIN_62.tokens
    assert alphabet.LATIN_62.tokens[:36] == alphabet.LATIN_36.tokens


def test_chinese_plates_follow_lprnet_pytorch() -> None:
    plates = alphabet.CHINESE_PLATES
    assert plates.classes == 68
    assert plates.blank_id == 67
    assert plates.encode("京A0新ZIO").tolist() == [0, 41, 31, 30, 64, 65, 66]
    assert len(plates.encode("皖AD12345")) == 8
