"""Patterns accept the texts that Python's `re` matches, and count the frames they need."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.alphabet import CHINESE_PLATES, MUSIC_PITCHES, Alphabet
from recog.ctc.automaton import IMPOSSIBLE, Automaton, allow
from recog.ctc.loss import frames_needed
from recog.ctc.pattern import PatternError, compile_pattern

ABC = Alphabet("abc")
TEXTS = ["".join(text) for length in range(6) for text in itertools.product("abc", repeat=length)]


def accepts(automaton: Automaton, ids) -> bool:
    state = 0
    for token in ids:
        state = int(automaton.following[state, token])
        if state < 0:
            return False
    return bool(np.isfinite(automaton.final[state]))


def language(pattern: str) -> list[str]:
    automaton = compile_pattern(pattern, ABC)
    return [text for text in TEXTS if accepts(automaton, ABC.encode(text))]


def matched(pattern: str) -> list[str]:
    return [text for text in TEXTS if re.fullmatch(pattern, text)]


ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "\\a".replace("\\a", "a")])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,}", "{0,2}", "{0}", "{1,3}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    "pattern", ["", "a", "a|b", "ab*c?", "(a|bc)+", "a{2,3}b{0,1}", "[^ab]*", "(a*)*", "((a|b)?c){2}", "a||b", "(|a)b"]
)
def test_texts_are_those_of_re(pattern):
    assert language(pattern) == matched(pattern)


@given(PATTERNS)
def test_texts_of_any_pattern_are_those_of_re(pattern):
    assert language(pattern) == matched(pattern)


def test_special_characters_are_escaped():
    tokens = Alphabet(".[]()-+0189^\\")
    for pattern, text, other in [
        (r"\.", ".", "0"),
        (r"\[\]\(\)", "[]()", "[]"),
        (r"[\]\-+.]{3}", "]-+", "0-+"),
        (r"\d+", "0189", "01."),
        (r"[\d.]+", "1.9", "1-9"),
        (r"[0-9^]+", "9^", "-"),
        (r"[+-]", "-", "^"),
        (r"\\", "\\", "."),
    ]:
        automaton = compile_pattern(pattern, tokens)
        assert accepts(automaton, tokens.encode(text)), pattern
        assert not accepts(automaton, tokens.encode(other)), pattern


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a", "has a group that is not closed"),
        ("a)", "closes a group that is not open"),
        ("[a", "ends within a class or a group"),
        ("*", r"has '\*' where a character is expected: write \\\*"),
        ("a**", "repeats a repetition"),
        ("a{2", "braces that hold no numbers"),
        ("a{x}", "braces that hold no numbers"),
        ("a{3,2}", "repeats 3 to 2 times"),
        ("a{999}", "repeats 999 to 999 times"),
        ("x", "holds 'x', which the alphabet lacks"),
        ("[xay]", "holds 'x', 'y', which the alphabet lacks"),
        ("[c-a]", "the range c-a, which is empty"),
        (r"\w", r"has \\w, which is not known"),
        ("a\\", "ends in a backslash"),
        (r"a\d", "matches no text"),
    ],
)
def test_malformed_patterns_are_explained(pattern, reason):
    with pytest.raises(PatternError, match=reason):
        compile_pattern(pattern, ABC)


def test_patterns_need_single_characters():
    with pytest.raises(PatternError, match="tokens of several characters"):
        compile_pattern("C4", MUSIC_PITCHES)


@pytest.mark.parametrize(
    "pattern",
    ["(A|B)*A(A|B){20}", "((.{99}){99}){99}", "(.|.){0,99}" * 10],
    ids=["states", "nested repetitions", "steps"],
)
def test_a_pattern_that_is_too_large_is_refused(pattern):
    with pytest.raises(PatternError, match="too many states"):
        compile_pattern(pattern, CHINESE_PLATES)


def test_a_pattern_of_too_many_groups_is_refused():
    with pytest.raises(PatternError, match="too many groups"):
        compile_pattern("(" * 5000 + "a" + ")" * 5000, ABC)


@pytest.mark.parametrize("pattern", ["a{2,4}", "(ab|ba)+c", "a*b", "aab|bcc", "(aa|b)(bb|a)"])
def test_frames_needed_are_the_fewest_of_all_texts(pattern):
    automaton = compile_pattern(pattern, ABC)
    needed = automaton.frames_needed()
    texts = [ABC.encode(text) for text in matched(pattern)]
    fewest = min(int(frames_needed(text[None], np.array([len(text)]))[0]) for text in texts)
    assert needed[0, 0] == fewest  # after the blank, so after nothing
    for text in texts:
        state = 0
        for place, token in enumerate(text):
            state = int(automaton.following[state, token])
            rest = text[place + 1 :]
            frames = int(frames_needed(text[None, place:], np.array([len(rest) + 1]))[0]) - 1
            assert needed[state, token] <= frames
            assert needed[state, token] < IMPOSSIBLE


def test_products_accept_what_both_accept():
    one, other = compile_pattern("a.*", ABC), compile_pattern(".*c|b", ABC)
    both = one.product(other)
    weighted = one.product(one._replace(weights=one.weights + 0.5, final=one.final - 1.0))
    for text in TEXTS:
        ids = ABC.encode(text)
        assert accepts(both, ids) == (accepts(one, ids) and accepts(other, ids))
        assert accepts(weighted, ids) == accepts(one, ids)
    assert weighted.weights[0, 1] == 0.5
    assert set(weighted.final.tolist()) == {-np.inf, -1.0}


def test_allowed_tokens_are_a_pattern_of_one_state():
    automaton = allow(ABC.encode("ac").tolist(), ABC.classes)
    assert [t for t in TEXTS if accepts(automaton, ABC.encode(t))] == matched("[ac]*")


def test_plates_are_matched_with_the_blank_last():
    automaton = compile_pattern("[京沪皖][A-Z][A-Z0-9]{5,6}", CHINESE_PLATES)
    assert accepts(automaton, CHINESE_PLATES.encode("皖AMF725"))
    assert not accepts(automaton, CHINESE_PLATES.encode("皖1MF725"))
    assert (automaton.following[:, CHINESE_PLATES.blank_id] < 0).all()
