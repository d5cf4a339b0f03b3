"""Automata from flags fit the texts that a reader learnt; hotwords as flags write them."""

import pytest

from recog.alphabet import DIGITS, LATIN_36, Alphabet
from recog.cli.automata import make_automaton, parse_hotwords
from recog.codecs import TextCodec
from recog.ctc.automaton import Automaton
from recog.ctc.hotwords import WEIGHT


def test_hotwords_have_weights():
    assert parse_hotwords("TOTAL:2,CASH") == {"TOTAL": 2.0, "CASH": WEIGHT}
    assert parse_hotwords("TOTAL: -0.5 , AMOUNT DUE") == {"TOTAL": -0.5, "AMOUNT DUE": WEIGHT}
    assert parse_hotwords("12:30:4") == {"12:30": 4.0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A,,B", "an empty word"),
        (":2", "an empty word"),
        ("A:2,A:3", "'A' twice"),
        ("A:B", "'B' for a weight: write a number after the last colon, A:B:5"),
        ("A:", "'' for a weight"),
    ],
)
def test_malformed_hotwords_are_explained(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_hotwords(text)


def test_nothing_is_no_automaton():
    assert make_automaton(TextCodec(DIGITS)) is None


def weight_of(automaton: Automaton, ids) -> float:
    state, total = 0, 0.0
    for token in ids:
        total, state = total + automaton.weights[state, token], automaton.following[state, token]
    return total + automaton.final[state]


def test_hotwords_are_folded_as_labels_are():
    hebrew = TextCodec(Alphabet("שלום"), reading_order="visual")
    automaton = make_automaton(hebrew, hotwords="שלום:3")
    assert automaton is not None
    assert weight_of(automaton, hebrew.encode("שלום").labels[:4]) == pytest.approx(3.0)
    assert weight_of(automaton, hebrew.encode("שלום").labels[3::-1]) == pytest.approx(0.0)
    latin = TextCodec(LATIN_36, lower_case=True)
    automaton = make_automaton(latin, hotwords="TOTAL:2")
    assert automaton is not None
    assert weight_of(automaton, LATIN_36.encode("total")) == pytest.approx(2.0)


def test_patterns_and_allowed_characters_are_folded():
    latin = TextCodec(LATIN_36, lower_case=True)
    automaton = make_automaton(latin, pattern="[A-C]+", allowed="AB")
    assert automaton is not None
    assert (automaton.following[0] >= 0).nonzero()[0].tolist() == LATIN_36.encode("ab").tolist()
    with pytest.raises(ValueError, match="right-to-left"):
        make_automaton(TextCodec(Alphabet("שלום"), reading_order="visual"), pattern="ש+")


def test_combinations_without_a_text_are_refused():
    with pytest.raises(ValueError, match="no text fits --pattern, --allow"):
        make_automaton(TextCodec(DIGITS), pattern="1+", allowed="2")


def test_a_missing_model_is_named():
    with pytest.raises(FileNotFoundError, match=r"--ngram=missing\.arpa: no such file"):
        make_automaton(TextCodec(DIGITS), ngram="missing.arpa")
