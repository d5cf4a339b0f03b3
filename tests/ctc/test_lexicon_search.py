"""The decoder of lexicons: texts, probabilities, and places in the frames."""

import numpy as np
import pytest

from recog.alphabet import Alphabet
from recog.ctc import Lexicon, LexiconSearch, most_probable
from recog.ctc.decoder import Ranking
from recog.ctc.lexicon_search import best_words

ALPHABET = Alphabet("abc", blank="last")
LEXICON = Lexicon(["ab", "ba", "c", "abc", "cabcab"], ALPHABET)
LENGTHS = np.array([5, 0, 4])


def logits(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (3, 5, 4)).astype(np.float32)


def test_the_best_words_are_listed_with_their_probabilities():
    found = LexiconSearch(LEXICON).best(logits(), LENGTHS, 3)
    expected = most_probable(logits(), LENGTHS, LEXICON, 3)
    for row, readings in enumerate(expected):
        texts = [
            ALPHABET.decode(ids[:n].tolist()) for ids, n in zip(found.tokens[row], found.lengths[row], strict=True)
        ]
        assert texts[: len(readings)] == [reading.text for reading in readings]
        np.testing.assert_allclose(found.confidence[row][: len(readings)], [r.confidence for r in readings], rtol=1e-5)
        assert not any(texts[len(readings) :])
        assert not found.confidence[row][len(readings) :].any()


def test_it_is_a_decoder_that_lists():
    search = LexiconSearch(LEXICON)
    assert isinstance(search, Ranking)
    assert search.on_host
    one, several = search(logits(), LENGTHS), search.best(logits(), LENGTHS, 3)
    for field, listed in zip(one, several, strict=True):
        np.testing.assert_array_equal(field, listed[:, 0])


def test_tokens_are_placed_where_the_picture_shows_them():
    scores = np.full((1, 5, 4), -9.0, np.float32)
    scores[0, np.arange(5), [3, 0, 3, 1, 3]] = 9.0  # a in frame 1, b in frame 3
    found = LexiconSearch(LEXICON)(scores, np.array([5]))
    assert found.tokens[0, :2].tolist() == ALPHABET.encode("ab").tolist()
    assert found.frames[0].tolist() == [1, 3, -1, -1, -1]
    np.testing.assert_allclose(found.confidences[0], [1, 1, 0, 0, 0], atol=1e-4)


def test_broken_logits_are_no_probability():
    scores = logits()
    scores[0, 2, 1], scores[2, 4, 1] = np.nan, np.nan  # the latter beyond the frames of its picture
    found = LexiconSearch(LEXICON)(scores, LENGTHS)
    assert np.isnan(found.confidence).tolist() == [True, False, False]
    assert found.lengths[:2].tolist() == [0, 0]


def test_every_row_may_have_a_lexicon_of_its_own():
    lexicons = [Lexicon(["a"], ALPHABET), None, Lexicon(["b"], ALPHABET)]
    found = best_words(logits(), np.array([5, 5, 5]), lexicons, 1)
    assert found.tokens[:, 0, 0].tolist() == [*ALPHABET.encode("a"), 0, *ALPHABET.encode("b")]
    assert found.lengths[:, 0].tolist() == [1, 0, 1]
    assert found.confidence[1, 0] == pytest.approx(0.0)
