"""Exact search of a lexicon against the forward probability of every word."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recog.alphabet import Alphabet
from recog.ctc import word_search
from recog.ctc.lexicon import Lexicon
from recog.ctc.most_probable import find_words, most_probable

ALPHABET = Alphabet("abcd")
ALL = ["".join(word) for length in range(1, 5) for word in itertools.product("abcd", repeat=length)]


def log_softmax(logits) -> np.ndarray:
    logits = np.asarray(logits, np.float64)
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def log_probability(scores: np.ndarray, tokens, blank_id: int = 0) -> float:
    """CTC's forward variable (Graves 2006, equations 6-8), state by state."""
    states = [blank_id, *itertools.chain.from_iterable((token, blank_id) for token in tokens)]
    alpha = np.full(len(states), -np.inf)
    alpha[:2] = scores[0, states[:2]]
    for frame in scores[1:]:
        before = alpha.copy()
        for state, token in enumerate(states):
            ways = [before[state]]
            ways += [before[state - 1]] if state else []
            ways += [before[state - 2]] if state > 1 and token not in (blank_id, states[state - 2]) else []
            alpha[state] = np.logaddexp.reduce(ways) + frame[token]
    return float(np.logaddexp(alpha[-1], alpha[-2]))


def ranked(logits, lexicon: Lexicon) -> list[tuple[float, str]]:
    """All words that fit, by their scores."""
    scores, blank_id = log_softmax(logits), lexicon.alphabet.blank_id
    found = [
        (log_probability(scores, lexicon.alphabet.encode(word), blank_id) + weight, word)
        for word, weight in zip(lexicon.words, lexicon.weights, strict=True)
    ]
    return sorted(((score, word) for score, word in found if score > -np.inf), key=lambda item: -item[0])


def assert_found(logits, lexicon: Lexicon, nbest: int) -> None:
    [found] = find_words(np.asarray(logits)[None], np.array([len(logits)]), lexicon, nbest)
    expected = ranked(logits, lexicon)
    assert len(found) == min(nbest, len(expected))
    np.testing.assert_allclose([score for score, _ in found], [s for s, _ in expected[:nbest]], rtol=1e-9, atol=1e-9)
    known = {word: score for score, word in expected}
    for score, word in found:
        assert score == pytest.approx(known[lexicon.words[word]], abs=1e-8)
    assert len({word for _, word in found}) == len(found)


def logits(frames: int, seed: int, scale: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, (frames, ALPHABET.classes))


@pytest.mark.parametrize("scale", [0.0, 0.5, 2.0, 8.0])
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_words_are_those_of_greatest_probability(frames, scale):
    for seed in range(6):
        random = np.random.default_rng(seed)
        words = random.choice(ALL, 60, replace=False).tolist()
        assert_found(logits(frames, seed, scale), Lexicon(words, ALPHABET), nbest=4)


@settings(max_examples=60)
@given(
    st.lists(st.text("abcd", min_size=1, max_size=6), min_size=1, max_size=30),
    st.integers(1, 9),
    st.sampled_from([0.1, 1.0, 10.0, 100.0]),
    st.integers(1, 5),
    st.integers(0, 10),
)
def test_any_lexicon(words, frames, scale, nbest, seed):
    assert_found(logits(frames, seed, scale), Lexicon(words, ALPHABET), nbest)


@pytest.mark.parametrize(("steps", "few", "many"), [(0, 2, 1), (3, 2, 2**18), (10_000, 1, 1)])
def test_both_representations_find_the_same(monkeypatch, steps, few, many):
    monkeypatch.setattr(word_search, "STEPS", steps)
    monkeypatch.setattr(word_search, "FEW", few)
    monkeypatch.setattr(word_search, "MANY", many)
    for seed in range(8):
        assert_found(logits(7, seed, 0.7), Lexicon(ALL, ALPHABET), nbest=3)


def test_scaled_probabilities_carry_on(monkeypatch):
    converted = []
    monkeypatch.setattr(word_search, "STEPS", 4)
    original = word_search.Scaled.converted
    monkeypatch.setattr(word_search.Scaled, "converted", lambda *a: converted.append(1) or original(*a))
    assert_found(logits(7, 0, 0.3), Lexicon(ALL, ALPHABET), nbest=1)
    assert converted


@pytest.mark.parametrize("steps", [0, 2, 64])
def test_improbable_words_are_told_apart(monkeypatch, steps):
    """All words are e⁻⁹⁰⁰ times as probable as the best path: scaled probabilities would underflow."""
    monkeypatch.setattr(word_search, "STEPS", steps)
    scores = np.zeros((30, ALPHABET.classes))
    scores[:, 1] = 90.0  # only 'a' is probable
    scores[5, 3] += 1.0
    assert_found(scores, Lexicon(["bbbbbbbbbb", "cccccccccc", "bcbcbcbcbc", "cbcbcbcbcb"], ALPHABET), nbest=4)


def test_impossible_classes_are_no_nan():
    scores = logits(6, 0, 2.0)
    scores[:, 2] = -np.inf
    lexicon = Lexicon(["a", "ab", "ad", "b"], ALPHABET)
    [found] = most_probable(scores[None], np.array([6]), lexicon, nbest=4)
    assert {reading.text for reading in found[:2]} == {"a", "ad"}
    assert all(reading.confidence == 0.0 for reading in found[2:])


def test_equal_words_come_in_the_order_of_the_lexicon():
    flat = np.zeros((1, 5, ALPHABET.classes))
    for words in (["c", "a", "b"], ["b", "c", "a"]):
        [found] = most_probable(flat, np.array([5]), Lexicon(words, ALPHABET), nbest=3)
        assert [reading.text for reading in found] == words


def test_weights_move_the_order_but_not_the_confidence():
    scores = logits(6, 3, 1.0)
    lexicon = Lexicon(["ab", "ba", "cd"], ALPHABET, counts=[1, 1000, 5])
    assert_found(scores, lexicon, nbest=3)
    [found] = most_probable(scores[None], np.array([6]), lexicon, nbest=3)
    assert found[0].text == "ba"
    for reading in found:
        probability = np.exp(log_probability(log_softmax(scores), ALPHABET.encode(reading.text)))
        assert reading.confidence == pytest.approx(probability)


def test_later_frames_are_ignored_and_rows_without_frames_are_empty():
    scores = logits(8, 1, 2.0)
    padded, lexicon = np.stack([scores, np.full_like(scores, 7.0)]), Lexicon(ALL, ALPHABET)
    padded[0, 5:] = np.nan
    assert most_probable(padded, np.array([5, 0]), lexicon, 2) == [
        most_probable(scores[None, :5], np.array([5]), lexicon, 2)[0],
        [],
    ]


def test_words_that_do_not_fit_into_the_frames_are_none():
    [found] = most_probable(logits(3, 0, 1.0)[None], np.array([3]), Lexicon(["aa", "aaa", "abcd"], ALPHABET), nbest=3)
    assert [reading.text for reading in found] == ["aa"]


def test_blank_may_be_last():
    alphabet = Alphabet("abcd", blank="last")
    for seed in range(4):
        assert_found(logits(6, seed, 1.0), Lexicon(ALL[:100], alphabet), nbest=3)


def test_arguments_that_do_not_fit_are_refused():
    lexicon = Lexicon(["a"], ALPHABET)
    with pytest.raises(ValueError, match="over 5 classes, the logits have 3"):
        most_probable(np.zeros((1, 4, 3)), np.array([4]), lexicon)
    with pytest.raises(ValueError, match="nbest=0"):
        most_probable(np.zeros((1, 4, 5)), np.array([4]), lexicon, nbest=0)
