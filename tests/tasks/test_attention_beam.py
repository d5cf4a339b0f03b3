"""Beam search of attention decoders against enumeration of all texts, with teacher forcing as the reference."""

import functools
import itertools
from typing import Any

import jax
import numpy as np
import pytest

from recog.alphabet import Alphabet
from recog.ctc import BeamSearch
from recog.ctc.guide import TooFewFramesError
from recog.ctc.pattern import compile_pattern
from recog.models.attention import AttentionDecoder
from recog.tasks.attention_beam import decode_texts, search_texts
from recog.tasks.greedy import until_end
from tests.automata import weight, weighted

B, T, D, U, STEPS = 5, 4, 3, 6, 3
FIRST, LAST = Alphabet("12."), Alphabet("12.", blank="last")
LENGTHS = np.array([4, 3, 1, 4, 2], np.int32)
EVERYTHING = sum(3**n for n in range(STEPS + 1))
"""Number of sequences that a decoder can read."""


@functools.cache
def decoder(alphabet: Alphabet, seed: int):
    """A module with random variables and features."""
    random = np.random.default_rng(seed)
    module = AttentionDecoder(alphabet.classes, U, alphabet.blank_id)
    features = random.normal(size=(B, T, D)).astype(np.float32)
    shapes = jax.eval_shape(module.init, jax.random.key(0), features, LENGTHS, np.zeros((B, STEPS), np.int32))
    return module, jax.tree.map(lambda x: 2 * random.normal(size=x.shape).astype(np.float32), shapes), features


@functools.cache
def jitted(alphabet: Alphabet, method: str, *given: int) -> Any:
    """A method of the decoder of an alphabet: functions of variables and features."""
    module, *_ = decoder(alphabet, 0)
    return jax.jit(lambda variables, features: module.apply(variables, features, LENGTHS, *given, method=method))


def reader(alphabet: Alphabet, seed: int) -> Any:
    return jitted(alphabet, "reader")(*decoder(alphabet, seed)[1:])


@functools.cache
def enumerated(alphabet: Alphabet, seed: int) -> list[dict[tuple, float]]:
    """Log probability of every sequence of each row."""
    module: Any
    module, variables, features = decoder(alphabet, seed)
    apply = jax.jit(lambda *given: jax.nn.log_softmax(module.apply(*given)))
    found: list[dict[tuple, float]] = [{} for _ in range(B)]
    tokens = [token for token in range(alphabet.classes) if token != alphabet.blank_id]
    for length in range(STEPS + 1):
        for sequence in itertools.product(tokens, repeat=length):
            given = np.zeros((B, STEPS), np.int32)
            given[:, :length] = sequence
            scores = np.asarray(apply(variables, features, LENGTHS, given), np.float64)
            path = [*sequence, alphabet.blank_id]
            for row in range(B):
                found[row][sequence] = float(scores[row, np.arange(length + 1), path].sum())
    return found


def tokens_of(decoded, row: int, rank: int) -> tuple:
    return tuple(np.asarray(decoded.tokens)[row, rank, : int(decoded.lengths[row, rank])].tolist())


@pytest.mark.parametrize("alphabet", [FIRST, LAST], ids=["blank_first", "blank_last"])
def test_a_beam_without_limit_lists_all_sequences_by_their_probability(alphabet):
    settings = BeamSearch(alphabet.blank_id, EVERYTHING)
    search = jax.jit(lambda r: search_texts([r], STEPS, settings, nbest=EVERYTHING))
    found = jax.tree.map(np.asarray, search(reader(alphabet, 1)))
    for row, expected in enumerate(enumerated(alphabet, 1)):
        ranked = sorted(((score, sequence) for sequence, score in expected.items()), reverse=True)
        np.testing.assert_allclose(found.scores[row], [score for score, _ in ranked], rtol=1e-4, atol=1e-5)
        assert {tokens_of(found.parts[0], row, rank) for rank in range(EVERYTHING)} == set(expected)
        assert [tokens_of(found.parts[0], row, rank) for rank in range(3)] == [sequence for _, sequence in ranked[:3]]
    np.testing.assert_allclose(np.log(found.parts[0].confidence), found.scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("pattern", "separator", "alphabet"),
    [(r"[12]{2}(\.[12]{1,2})?", ".", FIRST), (r"1*\.?2*", ".", LAST), ("1{4,}2", None, FIRST)],
)
def test_the_automaton_goes_along_from_decoder_to_decoder(pattern, separator, alphabet):
    token = int(alphabet.encode(separator)[0]) if separator else None
    automaton, width = weighted(pattern, alphabet), 150
    settings = BeamSearch(alphabet.blank_id, width, automaton=automaton)
    search = jax.jit(lambda one, other: search_texts([one, other], STEPS, settings, separator=token, nbest=width))
    found = jax.tree.map(np.asarray, search(reader(alphabet, 1), reader(alphabet, 2)))
    for row in range(B):
        expected = {}
        for (one, p), (other, q) in itertools.product(
            enumerated(alphabet, 1)[row].items(), enumerated(alphabet, 2)[row].items()
        ):
            between = (token,) if token is not None and other else ()
            if np.isfinite(weight(automaton, (*one, *between, *other))):
                expected[one, other] = p + q + weight(automaton, (*one, *between, *other))
        count = int(np.isfinite(found.scores[row]).sum())
        assert count == len(expected) < width
        for rank in range(count):
            parts = tuple(tokens_of(part, row, rank) for part in found.parts)
            np.testing.assert_allclose(found.scores[row, rank], expected.pop(parts), rtol=1e-4, atol=1e-5)
            products = found.parts[0].confidence[row, rank], found.parts[1].confidence[row, rank]
            own = [enumerated(alphabet, seed)[row][part] for seed, part in zip((1, 2), parts, strict=True)]
            np.testing.assert_allclose(np.log(products), own, rtol=1e-4, atol=1e-4)
        assert (np.diff(found.scores[row, :count]) <= 0).all()


def greedy(alphabet: Alphabet, seed: int):
    scores = jitted(alphabet, "run_freely", STEPS)(*decoder(alphabet, seed)[1:])
    return jax.tree.map(np.asarray, UNTIL_END(*scores, end_id=alphabet.blank_id))


UNTIL_END = jax.jit(until_end, static_argnames="end_id")


def test_a_beam_of_one_is_greedy_decoding():
    settings = BeamSearch(LAST.blank_id, 1)
    [found] = jax.jit(lambda r: decode_texts([r], STEPS, settings))(reader(LAST, 3))
    for ours, theirs in zip(found, greedy(LAST, 3), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("prune", [-np.inf, -1.0])
def test_narrow_beams_are_never_less_probable_than_greedy_decoding(prune):
    better = 0
    decode = jax.jit(lambda r: decode_texts([r], STEPS, BeamSearch(0, 2, beam_prune_logp=prune)))
    for seed in range(8):
        [found], path = jax.tree.map(np.asarray, decode(reader(FIRST, seed))), greedy(FIRST, seed)
        assert (found.confidence >= path.confidence * (1 - 1e-5)).all()
        better += int((found.confidence > path.confidence * 1.001).sum())
    assert better


def test_a_narrow_beam_always_ends_where_the_automaton_may():
    """The first part leaves the second one no more tokens than it can read."""
    settings = BeamSearch(0, 2, automaton=compile_pattern(r"(1|222)(1{4}|2{3})", FIRST))
    decode = jax.jit(lambda one, other: decode_texts([one, other], STEPS, settings))
    for seed in range(4):
        one, other = jax.tree.map(np.asarray, decode(reader(FIRST, seed), reader(FIRST, seed + 4)))
        for row in range(B):
            text = FIRST.decode([*one.tokens[row, : one.lengths[row]], *other.tokens[row, : other.lengths[row]]])
            assert text in ("11111", "1222", "2221111", "222222")
            assert one.confidence[row] * other.confidence[row] > 0
            assert (one.frames[row] >= 0).sum() == one.lengths[row]


def test_texts_that_are_too_long_are_refused():
    settings = BeamSearch(0, 4, automaton=compile_pattern(r"1{4}", FIRST))
    with pytest.raises(TooFewFramesError, match="fits 3 tokens: allow shorter texts"):
        decode_texts([reader(FIRST, 0)], STEPS, settings)


def test_improbable_tokens_are_dropped():
    settings = BeamSearch(0, 8, token_min_logp=-0.7)
    [found] = jax.jit(lambda r: search_texts([r], STEPS, settings, nbest=8))(reader(FIRST, 1)).parts
    assert np.asarray(found.confidences)[np.asarray(found.tokens) > 0].min() >= np.exp(-0.7)


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ValueError, match="beam_width=0"):
        search_texts([reader(FIRST, 1)], STEPS, BeamSearch(0, 0))
