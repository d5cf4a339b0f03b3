"""Beam search as a decoder: never less probable than the best path, and several sequences without duplicates."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.alphabet import Alphabet
from recog.ctc import BeamSearch, beam_search, best_path, ctc_loss
from recog.ctc.guide import TooFewFramesError
from recog.ctc.pattern import compile_pattern


@pytest.mark.parametrize("scale", [0.3, 3.0])
@pytest.mark.parametrize("width", [1, 8])
def test_the_decoder_is_never_less_probable_than_the_best_path(width, scale):
    logits = jnp.asarray(scale * np.random.default_rng(6).standard_normal((64, 7, 5)), jnp.float32)
    lengths = jnp.asarray(np.random.default_rng(7).integers(0, 8, 64))
    found, path = jax.jit(BeamSearch(beam_width=width))(logits, lengths), best_path(logits, lengths)
    ours, theirs = (-ctc_loss(logits, lengths, d.tokens, d.lengths) for d in (found, path))
    assert (ours >= theirs).all()
    assert (ours > theirs).any() or (width, scale) == (1, 3.0)
    np.testing.assert_allclose(jnp.log(found.confidence), ours, atol=1e-4)
    assert ((found.frames >= 0).sum(axis=1) == found.lengths).all()
    assert ((found.confidences > 0).sum(axis=1) == found.lengths).all()


def test_the_decoder_follows_an_automaton_and_says_when_nothing_fits():
    alphabet = Alphabet("abc")
    logits = jnp.asarray(np.random.default_rng(10).standard_normal((16, 7, 4)), jnp.float32)
    lengths = jnp.arange(16) % 8
    found = jax.jit(BeamSearch(automaton=compile_pattern("[ab]{3}", alphabet)))(logits, lengths)
    losses = ctc_loss(logits, lengths, found.tokens, found.lengths)
    fits = np.asarray(lengths) >= 3
    assert found.lengths.tolist() == np.where(fits, 3, 0).tolist()
    np.testing.assert_allclose(found.confidence, np.where(fits, np.exp(-losses), 0.0), rtol=1e-5)
    assert (found.tokens <= 2).all()


SHAPE = (64, 7, 5)
LENGTHS = jnp.asarray(np.random.default_rng(7).integers(0, 8, 64))


def drawn(scale: float) -> jax.Array:
    return jnp.asarray(scale * np.random.default_rng(6).standard_normal(SHAPE), jnp.float32)


def listed(found, row: int) -> list[tuple[int, ...]]:
    """Texts of a sample, without the empty places at the end."""
    places = zip(found.tokens[row], found.lengths[row], found.confidence[row], strict=True)
    return [tuple(tokens[:length].tolist()) for tokens, length, confidence in places if confidence > 0]


@functools.cache
def several(width: int, count: int):
    decoder = BeamSearch(beam_width=width)
    return jax.jit(lambda logits, lengths: decoder.best(logits, lengths, count))


@pytest.mark.parametrize(("width", "scale"), [(4, 0.3), (4, 3.0), (1, 0.3)])
def test_several_sequences_are_sorted_distinct_and_exact(width, scale):
    logits = drawn(scale)
    found = jax.tree.map(np.asarray, several(width, width)(logits, LENGTHS))
    path = best_path(logits, LENGTHS)
    assert found.tokens.shape == (64, width, 7)
    for rank in range(width):
        losses = ctc_loss(logits, LENGTHS, found.tokens[:, rank], found.lengths[:, rank])
        there = found.confidence[:, rank] > 0
        np.testing.assert_allclose(found.confidence[:, rank], np.where(there, np.exp(-losses), 0.0), rtol=1e-4)
        assert (found.lengths[~there, rank] == 0).all()
        assert (found.frames[~there, rank] == -1).all()
    assert (np.diff(found.confidence) <= 0).all()
    likely = np.exp(-np.asarray(ctc_loss(logits, LENGTHS, path.tokens, path.lengths)))
    assert (found.confidence[:, 0] >= likely * (1 - 1e-5)).all()
    for row, frames in enumerate(LENGTHS.tolist()):
        texts = listed(found, row)
        assert len(set(texts)) == len(texts)
        assert len(texts) == (1 if frames == 0 else width)


def test_one_of_several_is_the_decoding():
    logits = drawn(1.0)
    one, whole = several(4, 1)(logits, LENGTHS), jax.jit(BeamSearch(beam_width=4))(logits, LENGTHS)
    for ours, theirs in zip(one, whole, strict=True):
        assert (ours[:, 0] == theirs).all()


def test_the_best_path_that_the_beam_lost_is_listed_once():
    """A beam of one hypothesis follows a prefix whose continuations are worse."""
    logits = drawn(0.3)
    one, path = several(1, 1)(logits, LENGTHS), best_path(logits, LENGTHS)
    found = jax.jit(BeamSearch(beam_width=1))(logits, LENGTHS)
    by_path = np.asarray(found.equals(path.tokens, path.lengths))
    assert by_path.any()
    assert not by_path.all()
    assert (one.lengths[by_path, 0] == path.lengths[by_path]).all()


def test_several_sequences_follow_an_automaton_by_score():
    alphabet = Alphabet("abcd")
    automaton = compile_pattern("a|bc|c", alphabet)
    for final in (automaton.final, automaton.final + np.arange(len(automaton.final))):
        decoder = BeamSearch(automaton=automaton._replace(final=np.asarray(final, np.float32)))
        found = jax.tree.map(np.asarray, decoder.best(drawn(0.3)[:4], jnp.array([7, 2, 1, 0]), 5))
        texts = [[alphabet.decode(text) for text in listed(found, row)] for row in range(4)]
        assert [set(row) for row in texts] == [{"a", "bc", "c"}, {"a", "bc", "c"}, {"a", "c"}, set()]
        falls = (np.diff(found.confidence) <= 0).all()
        assert falls == (final is automaton.final)


@pytest.mark.parametrize("count", [0, 11])
def test_more_sequences_than_the_beam_holds_are_refused(count):
    with pytest.raises(ValueError, match=f"nbest={count} and beam_width=10: choose 1 <= nbest"):
        BeamSearch().best(drawn(1.0), LENGTHS, count)


def test_a_sample_without_probabilities_has_no_text_and_no_confidence():
    found = several(4, 4)(drawn(1.0).at[0, 0, 0].set(jnp.nan), LENGTHS.at[0].set(7))
    assert np.isnan(found.confidence[0, 0])
    assert (found.confidence[0, 1:] == 0).all()
    assert (found.lengths[0] == 0).all()
    assert np.isfinite(found.confidence[1:]).all()


def test_pictures_too_narrow_for_a_pattern_are_empty_beside_wider_ones():
    decoder = BeamSearch(automaton=compile_pattern("a{4}", Alphabet("abcd")))
    narrow = jnp.zeros((3, 2, 5)), jnp.full(3, 2)
    with pytest.raises(TooFewFramesError, match="needs 7 frames, the model emits 2"):
        beam_search(*narrow, automaton=decoder.automaton)
    found = decoder(*narrow)
    assert found.tokens.shape == found.frames.shape == found.confidences.shape == (3, 2)
    assert not found.lengths.any()
    assert not found.confidence.any()
