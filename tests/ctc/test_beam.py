"""Prefix beam search against a dictionary in float64, and against enumeration of all paths."""

import functools
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.alphabet import Alphabet
from recog.ctc import beam_step, ctc_loss
from recog.ctc.beam import beam_search
from recog.ctc.hypotheses import align
from recog.ctc.pattern import compile_pattern

SHAPE = (4, 7, 5)
"""Logits that most tests share, so that they share its compiled program."""
WIDTH = 6


@functools.cache
def compiled(width: int, blank_id: int, **settings):
    return jax.jit(functools.partial(beam_search, blank_id=blank_id, beam_width=width, nbest=width, **settings))


def search(logits, lengths, width: int = WIDTH, blank_id: int = 0, **settings) -> list[list[tuple[float, tuple]]]:
    """Log probability and tokens of each sample's hypotheses."""
    found = compiled(width, blank_id, **settings)(jnp.asarray(logits, jnp.float32), jnp.asarray(lengths))
    return [listed(jax.tree.map(lambda x, row=row: np.asarray(x)[row], found)) for row in range(len(logits))]


def listed(found) -> list[tuple[float, tuple]]:
    count = int(np.isfinite(found.scores).sum())
    assert (found.lengths[count:] == 0).all()
    rows = zip(found.scores, found.tokens, found.lengths, strict=True)
    return [(float(score), tuple(tokens[:length].tolist())) for score, tokens, length in itertools.islice(rows, count)]


def log_softmax(logits) -> np.ndarray:
    logits = np.asarray(logits, np.float64)
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def total_of(lanes: tuple[float, float]) -> float:
    return float(np.logaddexp(lanes[0], lanes[1]))


def reference(logits, blank_id: int, width: int) -> list[tuple[float, tuple]]:
    """Prefix beam search with a dictionary of all extensions, in float64."""
    kept: dict[tuple, tuple[float, float]] = {(): (0.0, -np.inf)}
    for scores in log_softmax(logits):
        found: dict[tuple, tuple[float, float]] = {}

        def add(prefix, in_blank, in_token, found=found):
            before = found.get(prefix, (-np.inf, -np.inf))
            found[prefix] = np.logaddexp(before[0], in_blank), np.logaddexp(before[1], in_token)

        for prefix, (in_blank, in_token) in kept.items():
            total = np.logaddexp(in_blank, in_token)
            add(prefix, total + scores[blank_id], in_token + scores[prefix[-1]] if prefix else -np.inf)
            for token in set(range(len(scores))) - {blank_id}:
                begins = in_blank if prefix and prefix[-1] == token else total
                add((*prefix, token), -np.inf, begins + scores[token])
        ranked = sorted(found.items(), key=lambda item: -total_of(item[1]))
        kept = {prefix: lanes for prefix, lanes in ranked[:width] if total_of(lanes) > -np.inf}
    return sorted(((total_of(lanes), prefix) for prefix, lanes in kept.items()), reverse=True)


def assert_alike(found, expected, tolerance: float = 1e-4) -> None:
    """Equal lists; hypotheses of nearly equal probability may change places."""
    np.testing.assert_allclose([s for s, _ in found], [s for s, _ in expected], atol=tolerance)
    assert len({tokens for _, tokens in found}) == len(found)
    lowest = min((score for score, _ in expected), default=0.0) + tolerance
    scores = {tokens: score for score, tokens in expected}
    for score, tokens in found:
        assert tokens in scores or score < lowest
        assert abs(scores.get(tokens, score) - score) < tolerance


@pytest.mark.parametrize("scale", [0.1, 1.0, 6.0])
@pytest.mark.parametrize(
    ("shape", "width", "blank_id"), [(SHAPE, WIDTH, 0), ((4, 26, 37), 10, 36), ((4, 9, 3), 50, 1), ((2, 1, 2), 1, 0)]
)
def test_equals_a_dictionary_in_float64(shape, width, blank_id, scale):
    random = np.random.default_rng(int(10 * scale))
    logits = (scale * random.standard_normal(shape)).astype(np.float32)
    lengths = random.integers(0, shape[1] + 1, shape[0])
    lengths[0] = shape[1]
    for row, found in enumerate(search(logits, lengths, width, blank_id)):
        assert_alike(found, reference(logits[row, : lengths[row]], blank_id, width))


def test_repeats_are_told_from_runs():
    """Runs of one token with and without blanks between them."""
    rows = [[1, 0, 1, 1, 0, 0, 1], [1, 1, 1, 1, 1, 1, 1], [1, 2, 1, 2, 1, 2, 1], [0, 1, 0, 1, 0, 1, 0]]
    logits = 2.0 * np.eye(SHAPE[2])[np.array(rows)] + 0.1 * np.random.default_rng(5).standard_normal(SHAPE)
    for row, found in enumerate(search(logits, [7] * 4)):
        assert_alike(found, reference(logits[row], 0, WIDTH))


def test_ties_keep_as_many_hypotheses_as_the_dictionary():
    """With equal probabilities any may be kept; those of the first frames are alike."""
    found = search(np.zeros(SHAPE), [0, 1, 2, 7])
    assert found[0] == [(0.0, ())]
    assert_alike(found[1], reference(np.zeros((1, SHAPE[2])), 0, WIDTH))
    assert all(len(hypotheses) == WIDTH for hypotheses in found[2:])


def test_all_blank_and_no_frame_are_the_empty_text():
    logits = np.zeros(SHAPE)
    logits[..., 0] = 50.0
    for (score, tokens), *_ in search(logits, [0, 1, 5, 7]):
        assert (round(score, 4), tokens) == (0.0, ())


def enumerated(logits, blank_id: int = 0) -> list[tuple[float, tuple]]:
    """Every text with its log probability, by enumeration of all paths."""
    texts: dict[tuple, float] = {}
    for path in itertools.product(range(len(logits[0])), repeat=len(logits)):
        text = tuple(token for token, _ in itertools.groupby(path) if token != blank_id)
        score = log_softmax(logits)[np.arange(len(logits)), list(path)].sum()
        texts[text] = float(np.logaddexp(texts.get(text, -np.inf), score))
    return sorted(((score, text) for text, score in texts.items()), reverse=True)


def test_a_beam_without_limit_holds_every_text_and_the_true_maximum():
    logits, lengths = np.random.default_rng(1).standard_normal((4, 9, 3)), [4, 3, 2, 4]
    for row, found in enumerate(search(logits, lengths, width=50, blank_id=1)):
        expected = enumerated(logits[row, : lengths[row]], blank_id=1)
        assert len(expected) < 50
        assert_alike(found, expected)


@pytest.mark.parametrize("pattern", ["(a|b)c*", "a{3}|a?b{2,3}|cc", "[^b]{0,3}"])
def test_an_automaton_restricts_the_search_and_weighs_its_tokens(pattern):
    alphabet, random = Alphabet("abc"), np.random.default_rng(8)
    automaton = compile_pattern(pattern, alphabet)
    automaton = automaton._replace(
        weights=random.standard_normal(automaton.weights.shape).astype(np.float32), final=automaton.final - 0.25
    )
    logits = random.standard_normal((1, 5, 4))
    expected = []
    for score, ids in enumerated(logits[0]):
        if re.fullmatch(pattern, alphabet.decode(ids)):
            state = 0
            for token in ids:
                score, state = score + automaton.weights[state, token], automaton.following[state, token]
            expected.append((float(score) - 0.25, ids))
    everything = jax.jit(functools.partial(beam_search, beam_width=150, nbest=150, automaton=automaton))
    found = everything(np.float32(logits), np.array([5]))
    assert_alike(listed(jax.tree.map(lambda x: np.asarray(x)[0], found)), sorted(expected, reverse=True))


def test_a_narrow_beam_always_ends_where_the_automaton_may():
    """Frames run out: every hypothesis that could no longer end is dropped in time."""
    alphabet = Alphabet("abc")
    logits = np.random.default_rng(9).standard_normal((64, 7, 4)) + np.array([4.0, 0, 0, 0])
    search = jax.jit(functools.partial(beam_search, beam_width=2, automaton=compile_pattern("aab?cc", alphabet)))
    lengths = np.random.default_rng(9).integers(0, 8, 64)
    found = jax.tree.map(np.asarray, search(np.float32(logits), lengths))
    for row, frames in enumerate(lengths.tolist()):
        text = alphabet.decode(found.tokens[row, 0, : found.lengths[row, 0]].tolist())
        assert text in (("aacc", "aabcc") if frames >= 6 else ("",))
        assert np.isfinite(found.scores[row, 0]) == (frames >= 6)


def refuse(shape: tuple[int, int, int] = SHAPE, **settings) -> None:
    """Traces a search, which raises what is wrong with its settings."""
    search = functools.partial(beam_search, **settings)
    jax.eval_shape(search, jax.ShapeDtypeStruct(shape, np.float32), jax.ShapeDtypeStruct(shape[:1], np.int32))


def test_an_automaton_of_another_alphabet_is_refused():
    with pytest.raises(ValueError, match="the automaton has 4 classes, the logits have 5"):
        refuse(automaton=compile_pattern("a", Alphabet("abc")))


@pytest.fixture(scope="module")
def colliding():
    """A search in which hashes collide in the lanes that its first argument names."""
    real = beam_step._hash

    def search(lanes, logits):
        def collide(hashes, token):
            return jnp.where(lanes[:, None, None], jnp.uint32(7), real(hashes, token))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(beam_step, "_hash", collide)
            return beam_search(logits, jnp.full(4, 7), beam_width=WIDTH, nbest=WIDTH)

    return jax.jit(search)


@pytest.mark.parametrize("lanes", [(True, False), (False, True)])
def test_one_hash_that_collides_changes_nothing(colliding, lanes):
    logits = np.random.default_rng(2).standard_normal(SHAPE)
    found = jax.tree.map(np.asarray, colliding(np.array(lanes), np.float32(logits)))
    for row in range(4):
        assert_alike(listed(jax.tree.map(lambda x, row=row: x[row], found)), reference(logits[row], 0, WIDTH))


def test_hypotheses_stay_sound_if_both_hashes_collide(colliding):
    """Prefixes are then mistaken for one another, but all numbers stay in their ranges."""
    logits = np.float32(np.random.default_rng(2).standard_normal(SHAPE))
    found, whole = colliding(np.array([True, True]), logits), colliding(np.array([False, False]), logits)
    assert jax.tree.map(jnp.shape, found) == jax.tree.map(jnp.shape, whole)
    assert any((np.asarray(ours) != np.asarray(theirs)).any() for ours, theirs in zip(found, whole, strict=True))
    exists = np.isfinite(found.scores)
    assert exists[:, 0].all()
    for scores in (found.scores, found.log_likelihoods):
        assert not np.isnan(scores).any()
        assert (np.isneginf(scores) == ~exists).all()
    inside = np.arange(7) < np.asarray(found.lengths)[..., None]
    tokens, frames, confidences = (np.asarray(x) for x in (found.tokens, found.frames, found.confidences))
    assert ((tokens[inside] > 0) & (tokens[inside] < 5)).all()
    assert ((frames[inside] >= 0) & (frames[inside] < 7)).all()
    assert ((confidences >= 0) & (confidences <= 1)).all()


def test_impossible_tokens_are_never_read():
    logits = np.random.default_rng(3).standard_normal(SHAPE).astype(np.float32)
    logits[..., 2] = -np.inf
    for row, found in enumerate(search(logits, [7] * 4)):
        assert all(2 not in tokens for _, tokens in found)
        assert_alike(found, reference(np.where(np.isinf(logits[row]), -1e9, logits[row]), 0, WIDTH))


def test_improbable_tokens_and_hypotheses_are_dropped():
    logits = np.random.default_rng(4).standard_normal(SHAPE)
    counts = set()
    limited = search(logits, [7] * 4, beam_prune_logp=-1.0, token_min_logp=-1.0)
    for found, row in zip(limited, log_softmax(logits), strict=True):
        counts.add(len(found))
        assert all(score >= found[0][0] - 1.0 for score, _ in found)
        allowed = set(np.flatnonzero((row >= -1.0).any(axis=0)).tolist())
        assert all(set(tokens) <= allowed for _, tokens in found)
    assert min(counts) < WIDTH
    assert max(counts) > 1
    assert search(logits, [7] * 4, beam_prune_logp=-100.0, token_min_logp=-100.0) == search(logits, [7] * 4)


def test_each_token_has_the_frame_that_shows_it_best_and_its_probability_there():
    logits = 8.0 * np.eye(5)[np.array([[0, 3, 3, 0, 4, 0, 3]])]
    logits[0, 2] *= 1.1  # the second frame of a run is the clearest
    found = jax.tree.map(np.asarray, compiled(WIDTH, 0)(np.float32(logits.repeat(4, axis=0)), np.full(4, 7)))
    assert found.tokens[0, 0].tolist() == [3, 4, 3, 0, 0, 0, 0]
    assert found.frames[0, 0].tolist() == [2, 4, 6, -1, -1, -1, -1]
    peaks = np.exp(log_softmax(logits[0]))[[2, 4, 6], [3, 4, 3]]
    np.testing.assert_allclose(found.confidences[0, 0], [*peaks, 0, 0, 0, 0], rtol=1e-5)


@pytest.mark.parametrize(("width", "nbest"), [(0, 0), (3, 0), (3, 4)])
def test_numbers_out_of_range_are_refused(width, nbest):
    with pytest.raises(ValueError, match=f"nbest={nbest} and beam_width={width}: choose 1 <= nbest <= beam_width"):
        refuse(beam_width=width, nbest=nbest)


@pytest.mark.parametrize("limit", [0.5, np.nan])
def test_a_limit_that_would_drop_the_best_hypothesis_is_refused(limit):
    with pytest.raises(ValueError, match="would drop the best hypothesis as well"):
        refuse(beam_prune_logp=limit)
    with pytest.raises(ValueError, match="would exclude every token"):
        refuse(token_min_logp=limit)


@pytest.mark.parametrize("blank_id", [-1, 5])
def test_a_blank_outside_the_classes_is_refused(blank_id):
    with pytest.raises(ValueError, match=f"blank_id={blank_id} is outside the 5 classes"):
        refuse(blank_id=blank_id)


def test_logits_without_frames_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 0, 5\) have no frames"):
        refuse((2, 0, 5))


def test_an_automaton_without_a_text_that_fits_is_refused():
    automaton = compile_pattern("aab{3}", Alphabet("abcd"))
    with pytest.raises(ValueError, match="needs 8 frames, the model emits 7: widen the picture or allow shorter"):
        refuse(automaton=automaton)
    nothing = automaton._replace(final=np.full_like(automaton.final, -np.inf))
    with pytest.raises(ValueError, match="accepts no text"):
        refuse(automaton=nothing)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_no_probabilities_spoil_their_sample_alone(value):
    logits = np.random.default_rng(11).standard_normal(SHAPE)
    broken = logits.copy()
    broken[1, 2, 3], broken[2, 6], broken[3, 5, 0] = value, -np.inf, value
    lengths = np.array([7, 7, 7, 5])  # a frame beyond the length does not count
    found, whole = (jax.tree.map(np.asarray, compiled(WIDTH, 0)(np.float32(x), lengths)) for x in (broken, logits))
    for row in (0, 3):
        assert all((x[row] == y[row]).all() for x, y in zip(found, whole, strict=True))
    for scores in (found.scores, found.log_likelihoods):
        assert np.isnan(scores[1:3, 0]).all()
        assert np.isneginf(scores[1:3, 1:]).all()
    assert (found.lengths[1:3] == 0).all()


def test_blanks_alone_are_one_text_however_wide_the_beam():
    logits = np.random.default_rng(12).standard_normal((2, 3, 1))
    for row, found in enumerate(search(logits, [3, 3], width=20)):
        assert_alike(found, enumerated(logits[row]))


def test_likelihoods_are_those_of_the_loss():
    logits, lengths = np.float32(np.random.default_rng(13).standard_normal(SHAPE)), np.array([7, 5, 1, 0])
    found, loss = jax.tree.map(np.asarray, compiled(WIDTH, 0)(logits, lengths)), jax.jit(ctc_loss)
    assert np.isfinite(found.scores[:, 0]).all()
    for rank in range(WIDTH):
        losses = loss(logits, lengths, found.tokens[:, rank], found.lengths[:, rank])
        there = np.isfinite(found.scores[:, rank])
        np.testing.assert_allclose(found.log_likelihoods[:, rank], np.where(there, -losses, -np.inf), atol=1e-5)
        assert (found.scores[there, rank] <= found.log_likelihoods[there, rank] + 1e-4).all()


def test_short_sequences_are_aligned_alike_beside_long_ones():
    """Slots that no sequence of the batch uses are left out of the lattice."""
    random = np.random.default_rng(14)
    scores, tokens = np.float32(log_softmax(random.standard_normal((2, 8, 5)))), random.integers(1, 5, (2, 1, 8))
    aligned = jax.jit(functools.partial(align, blank_id=0))
    lengths = np.array([8, 7])
    short, long = (
        jax.tree.map(np.asarray, aligned(scores, lengths, tokens, np.array([[2], [other]]))) for other in (1, 5)
    )
    for one, other in zip(short, long, strict=True):
        np.testing.assert_allclose(np.ravel(one[0, 0])[:2], np.ravel(other[0, 0])[:2], rtol=1e-5)
    assert short.frames.shape == long.frames.shape == (2, 1, 8)
