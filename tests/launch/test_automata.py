"""Hotwords as flags write them."""

import pytest

from launch.runs.automata import make_automaton, parse_hotwords
from recog.alphabet import DIGITS
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
    assert make_automaton(DIGITS) is None
