"""Beam search as a decoder: never less probable than the best path, and several sequences without duplicates."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from recog.alphabet import Alphabet
from recog.ctc import BeamSearch, beam_search, best_path, ctc_loss
from recog.ctc.guide import TooFewFramesError
from recog.ctc.pattern import compile_pattern

SHAPE = (64, 7, 5)
"""Logits of nearly all tests, so that they share compiled programs."""
LENGTHS = np.random.default_rng(7).integers(0, 8, 64)
path_of, loss_of = jax.jit(best_path), jax.jit(ctc_loss)


def drawn(scale: float) -> np.ndarray:
    return (scale * np.random.default_rng(6).standard_normal(SHAPE)).astype(np.float32)


@functools.cache
def several(width: int, count: int):
    decoder = BeamSearch(beam_width=width)
    search = jax.jit(lambda logits, lengths: decoder.best(logits, lengths, count))
    return lambda logits, lengths: jax.tree.map(np.asarray, search(logits, lengths))


def single(width: int, logits: np.ndarray):
    """The best sequences, without the axis of several."""
    return jax.tree.map(lambda x: x[:, 0], several(width, 1)(logits, LENGTHS))


@pytest.mark.parametrize("scale", [0.3, 3.0])
@pytest.mark.parametrize("width", [1, 4])
def test_the_decoder_is_never_less_probable_than_the_best_path(width, scale):
    logits = drawn(scale)
    found, path = single(width, logits), path_of(logits, LENGTHS)
    ours, theirs = (-np.asarray(loss_of(logits, LENGTHS, d.tokens, d.lengths)) for d in (found, path))
    assert (ours >= theirs).all()
    assert (ours > theirs).any() or (width, scale) == (1, 3.0)
    np.testing.assert_allclose(np.log(found.confidence), ours, atol=1e-4)
    assert ((found.frames >= 0).sum(axis=1) == found.lengths).all()
    assert ((found.confidences > 0).sum(axis=1) == found.lengths).all()


THREE = BeamSearch(beam_width=4, automaton=compile_pattern("[ab]{3}", Alphabet("abcd")))


@functools.cache
def three():
    return jax.tree.map(np.asarray, jax.jit(THREE)(drawn(1.0), LENGTHS))


def test_the_decoder_follows_an_automaton_and_says_when_nothing_fits():
    found, fits = three(), LENGTHS >= 3
    losses = loss_of(drawn(1.0), LENGTHS, found.tokens, found.lengths)
    assert found.lengths.tolist() == np.where(fits, 3, 0).tolist()
    np.testing.assert_allclose(found.confidence, np.where(fits, np.exp(-losses), 0.0), rtol=1e-5)
    assert (found.tokens <= 2).all()


@pytest.mark.parametrize(
    ("decoder", "direct"),
    [(BeamSearch(beam_width=4), lambda: single(4, drawn(1.0))), (THREE, three)],
    ids=["free", "automaton"],
)
def test_exported_programs_take_any_number_of_samples_and_frames(decoder, direct):
    """Also, the decoding is the first of several sequences."""
    batch, frames = export.symbolic_shape("b, t")
    arguments = jax.ShapeDtypeStruct((batch, frames, 5), np.float32), jax.ShapeDtypeStruct((batch,), LENGTHS.dtype)
    exported = export.export(jax.jit(decoder), platforms=["cpu"])(*arguments)
    for ours, theirs in zip(jax.jit(exported.call)(drawn(1.0), LENGTHS), direct(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def listed(found, row: int) -> list[tuple[int, ...]]:
    """Texts of a sample, without the empty places at the end."""
    places = zip(found.tokens[row], found.lengths[row], found.confidence[row], strict=True)
    return [tuple(tokens[:length].tolist()) for tokens, length, confidence in places if confidence > 0]


@pytest.mark.parametrize(("width", "scale"), [(4, 0.3), (4, 3.0), (1, 0.3)])
def test_several_sequences_are_sorted_distinct_and_exact(width, scale):
    logits = drawn(scale)
    found, path = several(width, width)(logits, LENGTHS), path_of(logits, LENGTHS)
    assert found.tokens.shape == (64, width, 7)
    for rank in range(width):
        losses = loss_of(logits, LENGTHS, found.tokens[:, rank], found.lengths[:, rank])
        there = found.confidence[:, rank] > 0
        np.testing.assert_allclose(found.confidence[:, rank], np.where(there, np.exp(-losses), 0.0), rtol=1e-4)
        assert (found.lengths[~there, rank] == 0).all()
        assert (found.frames[~there, rank] == -1).all()
    assert (np.diff(found.confidence) <= 0).all()
    likely = np.exp(-np.asarray(loss_of(logits, LENGTHS, path.tokens, path.lengths)))
    assert (found.confidence[:, 0] >= likely * (1 - 1e-5)).all()
    for row, frames in enumerate(LENGTHS.tolist()):
        texts = listed(found, row)
        assert len(set(texts)) == len(texts)
        assert len(texts) == (1 if frames == 0 else width)


def test_the_best_path_that_the_beam_lost_is_listed_once():
    """A beam of one hypothesis follows a prefix whose continuations are worse."""
    logits = drawn(0.3)
    one, path = several(1, 1)(logits, LENGTHS), jax.tree.map(np.asarray, path_of(logits, LENGTHS))
    found = single(1, logits)
    by_path = np.asarray(jax.jit(type(found).equals)(found, path.tokens, path.lengths))
    assert by_path.any()
    assert not by_path.all()
    assert (one.lengths[by_path, 0] == path.lengths[by_path]).all()


def test_several_sequences_follow_an_automaton_by_score():
    alphabet = Alphabet("abcd")
    automaton = compile_pattern("a|bc|c", alphabet)
    for final in (automaton.final, automaton.final + np.arange(len(automaton.final))):
        decoder = BeamSearch(automaton=automaton._replace(final=np.asarray(final, np.float32)))
        search = jax.jit(functools.partial(decoder.best, count=5))
        found = jax.tree.map(np.asarray, search(drawn(0.3)[:4], np.array([7, 2, 1, 0])))
        texts = [[alphabet.decode(text) for text in listed(found, row)] for row in range(4)]
        assert [set(row) for row in texts] == [{"a", "bc", "c"}, {"a", "bc", "c"}, {"a", "c"}, set()]
        falls = (np.diff(found.confidence) <= 0).all()
        assert falls == (final is automaton.final)


@pytest.mark.parametrize("count", [0, 11])
def test_more_sequences_than_the_beam_holds_are_refused(count):
    with pytest.raises(ValueError, match=f"nbest={count} and beam_width=10: choose 1 <= nbest"):
        jax.eval_shape(functools.partial(BeamSearch().best, count=count), drawn(1.0), LENGTHS)


def test_a_sample_without_probabilities_has_no_text_and_no_confidence():
    logits, lengths = drawn(1.0), LENGTHS.copy()
    logits[0, 0, 0], lengths[0] = np.nan, 7
    found = several(4, 4)(logits, lengths)
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
