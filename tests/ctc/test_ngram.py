"""N-gram models as automata weigh texts as the models do; tokens are matched with alphabets."""

import importlib
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recog.alphabet import CHINESE_PLATES, MUSIC_PITCHES, Alphabet
from recog.ctc.arpa import load_arpa
from recog.ctc.automaton import Automaton, AutomatonSizeError
from recog.ctc.kneser_ney import train
from recog.ctc.ngram import NgramModel
from recog.ctc.ngram_automaton import ngram_automaton

ABC = Alphabet("abc")
PRUNED = """\\data\\
ngram 1=6
ngram 2=4
ngram 3=1

\\1-grams:
-0.9\ta\t-0.3
-0.7\tb\t-0.2
-1.1\tx\t-0.4
-99\t<s>\t-0.1
-0.8\t</s>
-1.9\t<unk>

\\2-grams:
-0.4\ta b\t-0.5
-0.6\tx a\t-0.15
-0.2\tb </s>
-0.35\tx b

\\3-grams:
-0.05\tx a b

\\end\\
"""
"""Pruned model without the context ``b a``, with a foreign token x, without c."""


def weight(automaton: Automaton, ids) -> float:
    state, total = 0, 0.0
    for token in ids:
        total += float(automaton.weights[state, token])
        state = int(automaton.following[state, token])
    return total + float(automaton.final[state])


def check(model: NgramModel, alphabet: Alphabet, texts, alpha=0.7, beta=0.3) -> Automaton:
    automaton = ngram_automaton(model, alphabet, alpha=alpha, beta=beta)
    for text in texts:
        expected = alpha * math.log(10) * model.score(alphabet.split(text)) + beta * len(alphabet.split(text))
        assert weight(automaton, alphabet.encode(text)) == pytest.approx(expected, abs=1e-4), text
    return automaton


ALL = ["".join(text) for length in range(5) for text in itertools.product("abc", repeat=length)]


@settings(max_examples=20)
@given(st.lists(st.text("abd", max_size=6), min_size=1, max_size=12), st.integers(1, 4))
def test_weights_of_all_texts_are_those_of_the_model(texts, order):
    check(train(["ab", "ca", *texts], order), ABC, ALL)


@pytest.mark.parametrize("drop", ["", "<s>", "</s>"])
def test_pruned_models_and_models_without_marks(tmp_path, drop):
    text = PRUNED
    if drop:
        lines = [line for line in text.split("\n") if drop not in line]
        text = "\n".join(lines).replace("ngram 1=6", "ngram 1=5")
        text = text.replace("ngram 2=4", f"ngram 2={3 if drop == '</s>' else 4}")
    (tmp_path / "model.arpa").write_text(text)
    check(load_arpa(tmp_path / "model.arpa"), ABC, ALL)


def test_states_are_contexts_that_matter(tmp_path):
    (tmp_path / "model.arpa").write_text(PRUNED)
    automaton = check(load_arpa(tmp_path / "model.arpa"), ABC, [])
    assert len(automaton.following) == 5  # <s>, nothing, a, b, a b; neither c nor those of x
    assert (automaton.following[:, 0] == -1).all()
    assert np.isfinite(automaton.final).all()


def test_the_blank_may_be_last_and_unknown_tokens_share_a_probability():
    model = train(["京A12", "沪B21", "沪A1"], 3)
    check(model, CHINESE_PLATES, ["京A12", "沪B1", "皖Z99", "A京京A1", ""])
    assert "皖" in model.match(CHINESE_PLATES).missing


def test_tokens_of_several_characters():
    check(train([["C4", "D4"], ["C4", "E4", "D4"]], 2), MUSIC_PITCHES, ["C4 D4", "E4 E4 B6", ""])


@pytest.mark.parametrize("mark", ["▁", "|"])
def test_other_spellings_of_the_space(mark):
    model = train([f"a{mark}b", "ab"], 2)
    spaced = Alphabet("ab ")
    match = model.match(spaced)
    assert match.token_ids[3] == model.ids[mark]
    assert not match.foreign
    assert not match.missing
    assert model.match(Alphabet(f"ab {mark}")).missing == (" ",)
    assert train(["a b", f"a{mark}"], 2).match(spaced).foreign == (mark,)


def test_models_of_words_are_refused():
    with pytest.raises(ValueError, match="lacks 2 of the model's 3 tokens, such as 'the', 'cab'"):
        ngram_automaton(train([["a", "the", "cab", "the"]] * 3, 2), ABC)


def test_a_few_foreign_tokens_are_ignored():
    assert train(["abcabc", "xab"], 2).match(ABC).foreign == ("x",)


@pytest.mark.parametrize(("alpha", "beta"), [(-1, 0), (math.nan, 0), (1, math.inf)])
def test_unusable_weights_are_refused(alpha, beta):
    with pytest.raises(ValueError, match="alpha="):
        ngram_automaton(train(["ab"], 2), ABC, alpha=alpha, beta=beta)


def test_a_model_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(importlib.import_module("recog.ctc.ngram_automaton"), "LARGEST", 20)
    with pytest.raises(AutomatonSizeError, match=r"has \d+ contexts of 4 classes.*smaller order than 3"):
        ngram_automaton(train(ALL, 3), ABC)


def test_scores_within_texts_and_without_ends():
    model = train(["ab", "ab", "ba"], 3)
    whole, inner = model.score("ab"), model.score("ab", begin=False, end=False)
    assert model.score("ab", end=False) > whole
    assert inner == pytest.approx(
        model.score("a", begin=False, end=False)
        + model.grams[1].log10[model.grams[1].find(np.array([model.ids["a"]]), np.array([model.ids["b"]]))[0]]
    )
    assert model.scores(["ab", "", "ba"]).tolist() == pytest.approx([whole, model.score(""), model.score("ba")])
    assert model.scores([]).shape == (0,)
