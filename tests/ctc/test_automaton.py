"""Products of automata are those of a plain search, pair by pair, with the same numbers of states."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.alphabet import Alphabet
from recog.ctc import automaton as module
from recog.ctc.automaton import NONE, Automaton, AutomatonSizeError, allow
from recog.ctc.kneser_ney import train
from recog.ctc.ngram_automaton import ngram_automaton
from recog.ctc.pattern import compile_pattern


def plain_product(one: Automaton, other: Automaton) -> Automaton:
    numbers, pairs, rows = {(0, 0): 0}, deque([(0, 0)]), []
    while pairs:
        a, b = pairs.popleft()
        row = np.full(one.following.shape[1], NONE, np.int32)
        for token, pair in enumerate(zip(one.following[a].tolist(), other.following[b].tolist(), strict=True)):
            if min(pair) >= 0:
                if pair not in numbers:
                    numbers[pair] = len(numbers)
                    pairs.append(pair)
                row[token] = numbers[pair]
        rows.append((row, one.weights[a] + other.weights[b], one.final[a] + other.final[b]))
    return Automaton(*(np.stack([np.asarray(row[field]) for row in rows]) for field in range(3))).trimmed()


def random_automaton(seed: int, states: int, classes: int) -> Automaton:
    rng = np.random.default_rng(seed)
    following = rng.integers(0, states, (states, classes)).astype(np.int32)
    following[rng.random((states, classes)) < 0.4] = NONE
    final = np.where(rng.random(states) < 0.3, rng.normal(size=states), -np.inf)
    return Automaton(following, rng.normal(size=(states, classes)).astype(np.float32), final.astype(np.float32))


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 12), st.integers(1, 5), st.sampled_from([1, 7, 2**22]))
def test_products_are_those_of_a_plain_search(seed, ours, theirs, classes, chunk):
    one, other = random_automaton(seed, ours, classes), random_automaton(seed + 1, theirs, classes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", chunk)
        found = one.product(other)
    for field, expected in zip(found, plain_product(one, other), strict=True):
        assert field.dtype == expected.dtype
        np.testing.assert_array_equal(field, expected)


def test_patterns_restrict_n_gram_models():
    abc = Alphabet("abc")
    pattern = compile_pattern("a{2}[bc]+|c", abc)
    model = ngram_automaton(train(["aab", "abc", "aabbc", "ca"], 3), abc)
    np.testing.assert_array_equal(pattern.product(model).weights, plain_product(pattern, model).weights)
    assert np.isfinite(pattern.product(model).final).any()


def test_a_product_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 48)
    one = compile_pattern("(a|b){7}", Alphabet("ab"))
    one.product(allow([1, 2], 3))
    with pytest.raises(AutomatonSizeError, match=r"more than \d+ states of 3 classes"):
        one.product(compile_pattern("(aa|b)*", Alphabet("ab")))


def test_automata_that_can_end_anywhere_need_no_frames():
    assert (allow([1, 2], 3).frames_needed() == 0).all()
