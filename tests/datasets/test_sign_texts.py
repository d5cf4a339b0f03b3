"""Texts of signs: printable, of the length asked for, of every kind, around a word."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from datasets.synthetic.sign_texts import SIGNS, draw_sign, in_case
from recog.alphabet import LATIN_94

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20)


@given(WORDS, st.integers(1, 25), st.integers(0, 2**32))
def test_texts_are_printable_and_no_longer_than_asked_for(word, longest, seed):
    text = draw_sign(word, longest, np.random.default_rng(seed))
    assert 1 <= len(text) <= longest
    assert set(text) <= set(LATIN_94.tokens) | {" "}
    assert text == text.strip()


@given(WORDS, st.integers(0, 2**32))
def test_case_changes_nothing_else(word, seed):
    assert in_case(word, np.random.default_rng(seed)).lower() == word


def test_all_characters_and_kinds_are_drawn():
    texts = [draw_sign("harbour", 20, np.random.default_rng(seed)) for seed in range(4000)]
    assert set("".join(texts)) == set(SIGNS)
    assert 0.65 < np.mean(["harbour" in text.lower() for text in texts]) < 0.8
    for text in ("harbour", "HARBOUR", "Harbour", "harbour!", "(Harbour)", "HARBOUR's"):
        assert text in texts
    for signs in ("www.", "/19", "%", "$", "@", ":"):
        assert any(signs in text for text in texts)
