"""Search over the parts of a text against enumeration of all readings of all parts."""

import functools
import itertools
import re

import jax
import numpy as np
import pytest

from recog.alphabet import Alphabet
from recog.ctc import BeamSearch
from recog.ctc.automaton import Automaton
from recog.ctc.parts import automata_of_parts, search_parts
from recog.ctc.pattern import compile_pattern
from tests.automata import weight, weighted

FIRST, LAST = Alphabet("12."), Alphabet("12.", blank="last")
ROWS = 6


def readings(logits, blank_id: int) -> dict[tuple, float]:
    """Probability of every sequence, by enumeration of all paths in float64."""
    scores = np.asarray(logits, np.float64)
    scores = np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))
    found: dict[tuple, float] = {}
    for path in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        tokens = tuple(token for token, _ in itertools.groupby(path) if token != blank_id)
        found[tokens] = found.get(tokens, 0.0) + float(np.prod(scores[np.arange(len(scores)), list(path)]))
    return found


def positions(logits, tokens: tuple, blank_id: int) -> tuple[list[int], list[float]]:
    """Frame in which each token of a sequence is most likely, given the sequence, and its probability there."""
    scores = np.asarray(logits, np.float64)
    scores = np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))
    occupancy = np.zeros((len(tokens), len(scores)))
    for path in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        runs = [[*run] for token, run in itertools.groupby(range(len(path)), path.__getitem__) if token != blank_id]
        if tuple(path[run[0]] for run in runs) == tokens:
            for slot, run in enumerate(runs):
                occupancy[slot, run] += np.prod(scores[np.arange(len(scores)), list(path)])
    frames = [int(np.argmax(row)) for row in occupancy]
    return frames, [float(scores[frame, token]) for frame, token in zip(frames, tokens, strict=True)]


def expected(logits, lengths, row: int, automaton: Automaton, separator: int | None, blank_id: int):
    """The most probable readings whose text is accepted, and their probabilities."""
    parts = [readings(part[row, : length[row]], blank_id) for part, length in zip(logits, lengths, strict=True)]
    best = -np.inf, None
    for chosen in itertools.product(*(part.items() for part in parts)):
        tokens = [reading for reading, _ in chosen]
        between = () if separator is None or not tokens[-1] else (separator,)
        text = (*itertools.chain(*tokens[:-1]), *between, *tokens[-1])
        score = weight(automaton, text) + float(np.sum(np.log([probability for _, probability in chosen])))
        if score > best[0]:
            best = score, chosen
    return best[1]


def drawn(frames, classes: int, seed: int = 0):
    random = np.random.default_rng(seed)
    logits = [random.standard_normal((ROWS, t, classes)).astype(np.float32) * 1.5 for t in frames]
    lengths = [np.where(np.arange(ROWS) < ROWS // 2, t, random.integers(0, t + 1, ROWS)) for t in frames]
    return logits, lengths


def found_tokens(decoded, row: int) -> tuple:
    return tuple(np.asarray(decoded.tokens)[row, : int(decoded.lengths[row])].tolist())


@pytest.mark.parametrize(
    ("pattern", "frames", "separator", "alphabet"),
    [
        (r"[12]+(\.[12]{2})?|1\.+2?", (3, 3), ".", FIRST),
        (r"[12]{1,2}\.?[12.]*", (3, 2), ".", LAST),  # texts that several pairs compose
        (r"1?2{2,3}|\.1*", (2, 2, 3), None, FIRST),  # repeats across the borders of parts
    ],
)
def test_the_most_probable_readings_with_an_accepted_text_are_found_where_they_are(
    pattern, frames, separator, alphabet
):
    token = int(alphabet.encode(separator)[0]) if separator else None
    automaton = weighted(pattern, alphabet)
    logits, lengths = drawn(frames, alphabet.classes)
    search = functools.partial(
        search_parts, settings=BeamSearch(alphabet.blank_id, 300), automaton=automaton, separator=token
    )
    parts, none = jax.tree.map(np.asarray, jax.jit(search)(logits, lengths)), 0
    for row in range(ROWS):
        wanted = expected(logits, lengths, row, automaton, token, alphabet.blank_id)
        if wanted is None:
            none += 1
            assert all(part.lengths[row] == 0 and part.confidence[row] == 0 for part in parts)
            continue
        for part, scores, length, (tokens, probability) in zip(parts, logits, lengths, wanted, strict=True):
            assert found_tokens(part, row) == tokens
            np.testing.assert_allclose(part.confidence[row], probability, rtol=1e-4)
            at, probabilities = positions(scores[row, : length[row]], tokens, alphabet.blank_id)
            unused = part.tokens.shape[1] - len(tokens)
            assert part.frames[row].tolist() == at + [-1] * unused
            np.testing.assert_allclose(part.confidences[row], probabilities + [0.0] * unused, rtol=1e-5)
    assert none < ROWS // 2, "all full rows have a text"


def test_a_narrow_beam_always_ends_where_the_automaton_may():
    """A part ends in time for the next one, which has too few frames for the rest of some texts."""
    random, pattern = np.random.default_rng(9), r"(11|2121)\.(1|212)"
    logits = [random.standard_normal((64, t, 4)).astype(np.float32) + np.array([3.0, 0, 0, 0]) for t in (5, 2)]
    search = functools.partial(
        search_parts, settings=BeamSearch(0, 2), automaton=compile_pattern(pattern, FIRST), separator=3
    )
    parts = jax.jit(search)([np.float32(part) for part in logits], [np.full(64, 5), np.full(64, 2)])
    integer, decimal = jax.tree.map(np.asarray, parts)
    for row in range(64):
        text = FIRST.decode(found_tokens(integer, row)) + "." + FIRST.decode(found_tokens(decimal, row))
        assert re.fullmatch(r"(11|2121)\.1", text)
        assert integer.confidence[row] > 0


def test_automata_of_parts_accept_what_the_whole_accepts():
    automaton = weighted(r"[12]*\.?[12.]", FIRST)
    before, after = automata_of_parts(automaton, 2, separator=3)
    for length in range(4):
        for one, other in itertools.product(itertools.product((1, 2, 3), repeat=length), ((), (1,), (3, 2))):
            state, total = 0, 0.0
            for part, tokens in ((before, one), (after, other)):
                for token in tokens:
                    total += float(part.weights[state, token]) if state >= 0 else 0.0
                    state = part.following[state, token] if state >= 0 else -1
            found = total + float(after.final[state]) if state >= 0 else -np.inf
            np.testing.assert_allclose(found, weight(automaton, (*one, *((3,) if other else ()), *other)), rtol=1e-5)


def test_an_automaton_of_another_alphabet_is_refused():
    search = functools.partial(search_parts, settings=BeamSearch(), automaton=compile_pattern("1", FIRST))
    with pytest.raises(ValueError, match="the automaton has 4 classes, the logits have 5"):
        jax.eval_shape(search, [np.zeros((1, 2, 5), np.float32)] * 2, [np.array([2])] * 2)
