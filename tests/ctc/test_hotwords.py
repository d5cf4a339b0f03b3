"""Every text gets exactly the sum of the weights of its occurrences of hotwords."""

import functools
import itertools

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recog.alphabet import MUSIC_PITCHES, Alphabet
from recog.ctc import hotwords as module
from recog.ctc.automaton import AutomatonSizeError
from recog.ctc.beam import beam_search
from recog.ctc.hotwords import hotwords_automaton

AB = Alphabet("ab", blank="last")
TEXTS = ["".join(text) for length in range(8) for text in itertools.product("ab", repeat=length)]


def sums(automaton, ids) -> list[float]:
    """Weight after each token, and that of the whole text."""
    state, total, found = 0, 0.0, []
    for token in ids:
        total += float(automaton.weights[state, token])
        state = int(automaton.following[state, token])
        found.append(total)
    return [*found, total + float(automaton.final[state])]


def occurrences(text: str, word: str) -> int:
    return sum(text.startswith(word, place) for place in range(len(text)))


@settings(max_examples=30)
@given(st.dictionaries(st.text("ab", min_size=1, max_size=4), st.sampled_from([-2.0, 0.5, 1.0, 3.0]), min_size=1))
def test_weights_of_all_texts_are_the_sums_of_their_occurrences(weights):
    automaton = hotwords_automaton(weights, AB)
    for text in TEXTS:
        expected = sum(weight * occurrences(text, word) for word, weight in weights.items())
        assert sums(automaton, AB.encode(text))[-1] == pytest.approx(expected, abs=1e-4)


def test_progress_is_rewarded_and_taken_back():
    automaton = hotwords_automaton({"aabb": 4.0}, AB)
    assert sums(automaton, AB.encode("aabb")) == pytest.approx([1, 2, 3, 4, 4])
    assert sums(automaton, AB.encode("aaba")) == pytest.approx([1, 2, 3, 1, 0])
    assert sums(automaton, AB.encode("aaabb")) == pytest.approx([1, 2, 2, 3, 4, 4])


def test_tokens_of_several_characters_are_words_too():
    automaton = hotwords_automaton({"C4 D4": 2.0}, MUSIC_PITCHES)
    assert sums(automaton, MUSIC_PITCHES.encode("C4 C4 D4"))[-1] == 2
    assert (automaton.following[:, 0] == -1).all()


def test_a_search_finds_a_hotword_that_is_likely_enough():
    abc = Alphabet("abc")
    logits = np.full((2, 5, 4), -9.0, np.float32)
    for frame, token in enumerate([1, 0, 2, 0, 3]):
        logits[:, frame, token] = 2.0
    logits[:, 2, 3] = 3.0, 4.0  # c rather than b, by 1 and by 2
    search = jax.jit(functools.partial(beam_search, automaton=hotwords_automaton({"abc": 1.5}, abc)))
    found = search(logits, np.array([5, 5]))
    texts = [abc.decode(tokens[:3]) for tokens in np.asarray(found.tokens)[:, 0]]
    assert found.lengths[:, 0].tolist() == [3, 3]
    assert texts == ["abc", "acc"]


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({"axb?": 1.0}, r"hold '\?', 'x', which the alphabet lacks"),
        ({"": 1.0}, "hotword ''"),
        ({"a": float("inf")}, "finite weight"),
        ({}, "no hotwords"),
    ],
)
def test_unusable_words_are_refused(weights, reason):
    with pytest.raises(ValueError, match=reason):
        hotwords_automaton(weights, AB)


def test_too_many_words_are_refused(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 10)
    with pytest.raises(AutomatonSizeError, match="2 hotwords"):
        hotwords_automaton({"ab": 1.0, "ba": 1.0}, AB)
