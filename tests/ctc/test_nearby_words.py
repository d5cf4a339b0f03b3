"""Words near the best path: the tree against all distances, the choice against all near words."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from recog.alphabet import Alphabet
from recog.ctc.bk_tree import BKTree
from recog.ctc.lexicon import Lexicon
from recog.ctc.most_probable import most_probable
from recog.ctc.nearby_words import NearbyWords

ALPHABET = Alphabet("abcd")


@settings(max_examples=100)
@given(
    st.lists(st.text("abcd", min_size=1, max_size=7), min_size=1, max_size=60, unique=True),
    st.text("abcd", max_size=8),
    st.integers(0, 6),
)
def test_the_tree_finds_all_words_within_the_distance(words, text, delta):
    tree = BKTree([ALPHABET.encode(word).tolist() for word in words])
    expected = [n for n, word in enumerate(words) if Levenshtein.distance(word, text) <= delta]
    assert tree.within(ALPHABET.encode(text).tolist(), delta).tolist() == expected


@pytest.mark.parametrize("delta", [0, 1, 2, 9])
def test_the_most_probable_of_the_near_words_is_read(delta):
    random = np.random.default_rng(delta)
    words = sorted({"".join(random.choice(list("abcd"), random.integers(1, 6))) for _ in range(40)})
    nearby = NearbyWords(Lexicon(words, ALPHABET))
    for _ in range(20):
        logits = random.normal(0, 2, (8, 5))
        text = ALPHABET.decode(token for token, _ in itertools.groupby(logits.argmax(axis=1).tolist()) if token)
        near = [word for word in words if Levenshtein.distance(word, text) <= delta]
        expected = most_probable(logits[None], np.array([8]), Lexicon(near, ALPHABET))[0][0].text if near else text
        assert nearby.read(logits, 8, delta) == expected


def test_without_frames_nothing_is_read():
    assert NearbyWords(Lexicon(["a"], ALPHABET)).read(np.zeros((3, 5)), 0, 3) == ""
