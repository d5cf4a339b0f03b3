"""What the error about unknown tokens advises."""

import pytest

from recog.alphabet import DIGITS, LATIN_36, PRICE, Alphabet, UnknownTokenError
from recog.unknown_tokens import LONGEST_SHOWN, SHOWN, shortened

PLATE = Alphabet("0123456789ABCXÉ")
MUSIC = Alphabet(["C4", "D4"], separator=" ")


def message(alphabet: Alphabet, text: str) -> str:
    with pytest.raises(UnknownTokenError) as caught:
        alphabet.encode(text)
    return str(caught.value)


def advice(alphabet: Alphabet, text: str) -> str:
    """Part of the message after the number of tokens."""
    return message(alphabet, text).rpartition(" tokens: ")[2]


@pytest.mark.parametrize(
    ("text", "fact", "fits"),
    [
        ("А1", "'А' at position 0 (U+0410 CYRILLIC CAPITAL LETTER A, looks like 'A', which the alphabet has)", "'A1'"),
        ("ΑХ", "'Х' at position 1 (U+0425 CYRILLIC CAPITAL LETTER HA, looks like 'X', which the alphabet has)", "'AX'"),
        ("1O", "'O' at position 1 (U+004F LATIN CAPITAL LETTER O, looks like '0', which the alphabet has)", "'10'"),
        ("Ａ1", "'Ａ' at position 0 (U+FF21 FULLWIDTH LATIN CAPITAL LETTER A, looks like 'A'", "'A1'"),
        ("12٠", "'٠' at position 2 (U+0660 ARABIC-INDIC DIGIT ZERO, the digit 0 of another script)", "'120'"),
    ],
)
def test_look_alikes_are_named_and_adding_them_is_not_what_comes_first(text, fact, fits):
    assert fact in message(PLATE, text)
    before, _, after = advice(PLATE, text).partition("add ")
    assert fits in before
    assert not after or "٠" in text  # pictures may show digits of other scripts


def test_look_alikes_beside_other_tokens():
    assert advice(PLATE, "АZ") == "replace the look-alikes and add the other tokens to the alphabet, or drop the sample"
    assert message(MUSIC, "С4 D4").endswith("replace the look-alikes, as in 'C4 D4', or drop the sample")


@pytest.mark.parametrize("text", ["hello", "京1", "1-1"])
def test_what_resembles_nothing_may_be_added(text):
    assert "looks like" not in message(DIGITS, text)
    assert advice(DIGITS, text).startswith("add the tokens to the alphabet")


@pytest.mark.parametrize(
    ("alphabet", "text", "where", "form"),
    [
        (DIGITS, " 12", "white space", "12"),
        (DIGITS, "12\u200b", "white space", "12"),
        (MUSIC, "C4 D4 ", "white space", "C4 D4"),
        (MUSIC, "C4  D4", "one separator", "C4 D4"),
        (DIGITS, '"12"', "quotation marks", "12"),
        (DIGITS, "1\u200b2", "invisible", "12"),
        (Alphabet("é1"), "e\u03011", "NFC", "é1"),
        (Alphabet("fi1"), "ﬁ1", "NFKC", "fi1"),
        (LATIN_36, "aB1", "lower case", "ab1"),
        (PLATE, "é1x", "upper case", "É1X"),
    ],
)
def test_a_form_of_the_text_that_fits_is_said_first(alphabet, text, where, form):
    assert where in advice(alphabet, text).partition(" fits, as ")[0]
    assert f" it fits, as {form!r}: " in advice(alphabet, text)
    assert "add " not in advice(alphabet, text)


def test_the_flags_that_mend_labels_are_named():
    assert "--config.data.strip=true" in message(DIGITS, "1 ")
    assert "--config.data.lower_case=true" in message(LATIN_36, "A")


def test_spaces_and_invisible_characters_are_shown_by_code_point():
    assert "' ' at position 1 (U+0020 SPACE)" in message(PRICE, "1 R")
    assert r"'\ufeff' at position 1 (U+FEFF ZERO WIDTH NO-BREAK SPACE, invisible)" in message(PRICE, "1\ufeffR")


def test_long_texts_are_cut():
    text = message(DIGITS, "".join(map(chr, range(0x4E00, 0x4E00 + 5000))) * 20)
    assert len(text) < 1000
    assert f"{5000 - SHOWN} other tokens" in text
    assert len(message(DIGITS, "x" * 10**6)) < 1000
    assert shortened("x" * LONGEST_SHOWN) == repr("x" * LONGEST_SHOWN)
