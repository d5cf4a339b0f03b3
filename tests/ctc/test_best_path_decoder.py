"""Best-path decoding against a decoder in plain Python, and its edges."""

import itertools
import math
from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st

from recog.ctc import best_path
from recog.decoded import Decoded

decode = jax.jit(best_path, static_argnames="blank_id")


def run(logits, logit_lengths, blank_id: int = 0) -> Any:
    """The compiled decoder's reading as numpy arrays."""
    logits, logit_lengths = jnp.asarray(logits, jnp.float32), jnp.asarray(logit_lengths, jnp.int32)
    return jax.tree.map(np.asarray, decode(logits, logit_lengths, blank_id=blank_id))


def peaked(paths, peaks=None, classes: int = 4) -> np.ndarray:
    """Logits ``B T K`` whose best path is given, each frame's winner ahead by its peak."""
    paths = np.asarray(paths)
    return np.eye(classes)[paths] * (5.0 if peaks is None else np.asarray(peaks)[..., None])


def read_plainly(logits, blank_id: int) -> list[tuple[int, list[float], int]]:
    """Each token read from the frames ``T K`` of one sample, with the posteriors of its run and its first frame."""
    frames = []
    for t, row in enumerate(logits.tolist()):
        token = row.index(max(row))
        frames.append((token, 1 / sum(math.exp(other - row[token]) for other in row), t))
    runs = [(token, list(run)) for token, run in itertools.groupby(frames, key=lambda frame: frame[0])]
    return [(token, [p for _, p, _ in run], run[0][2]) for token, run in runs if token != blank_id]


@st.composite
def batches(draw):
    """Small batches; scores from few values tie often, normal ones never."""
    batch, frames, classes = draw(st.sampled_from([(3, 7, 4), (1, 5, 2)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        logits = rng.integers(0, 3, (batch, frames, classes)).astype(np.float32)
    else:
        logits = draw(st.sampled_from([0.5, 3.0, 50.0])) * rng.standard_normal((batch, frames, classes))
    logits = logits.astype(np.float32)
    if draw(st.booleans()):
        logits[..., draw(st.integers(0, classes - 1))] = -np.inf
    lengths = draw(st.lists(st.integers(0, frames), min_size=batch, max_size=batch))
    return logits, lengths, draw(st.sampled_from([0, classes // 2, classes - 1]))


@hypothesis.settings(max_examples=150)
@hypothesis.given(batches())
def test_equals_a_plain_decoder(batch):
    logits, lengths, blank_id = batch
    read = run(logits, lengths, blank_id)
    for b, length in enumerate(lengths):
        expected = read_plainly(logits[b, :length], blank_id)
        size = read.lengths[b]
        assert read.tokens[b, :size].tolist() == [token for token, _, _ in expected]
        best = [max(posteriors) for _, posteriors, _ in expected]
        np.testing.assert_allclose(read.confidences[b, :size], best, rtol=1e-5)
        scores = np.exp(logits[b, :length] - np.logaddexp.reduce(logits[b, :length], axis=1, keepdims=True))
        nothing = np.prod(scores[:, blank_id])
        np.testing.assert_allclose(read.confidence[b], math.prod(best) if expected else nothing, rtol=1e-4, atol=1e-30)
        for (_, posteriors, first), frame, top in zip(expected, read.frames[b, :size], best, strict=True):
            assert 0 <= frame - first < len(posteriors)
            assert posteriors[frame - first] == pytest.approx(top, rel=1e-5)  # equal but for float32 rounding
        assert (read.tokens[b, size:] == 0).all()
        assert (read.confidences[b, size:] == 0).all()
        assert (read.frames[b, size:] == -1).all()
    assert (read.confidences >= 0).all()
    assert (read.confidences <= 1).all()


def test_merges_repeats_and_keeps_those_that_a_blank_parts():
    read = run(peaked([[1, 1, 0, 1, 2, 2, 0], [0, 3, 0, 0, 3, 3, 1]]), [7, 7])
    np.testing.assert_array_equal(read.lengths, [3, 3])
    np.testing.assert_array_equal(read.tokens[:, :3], [[1, 1, 2], [3, 3, 1]])
    np.testing.assert_array_equal(read.frames[:, :3], [[0, 3, 4], [1, 4, 6]])


def test_confidence_and_frame_are_those_of_the_peak_of_the_run():
    peaks = [[1.0, 3.0, 2.0, 9.0, 2.0, 4.0]]
    read = run(peaked([[1, 1, 1, 0, 2, 2]], peaks), [6])
    posterior = [math.exp(peak) / (math.exp(peak) + 3) for peak in (3.0, 4.0)]
    np.testing.assert_array_equal(read.frames[0], [1, 5, -1, -1, -1, -1])
    np.testing.assert_allclose(read.confidences[0, :2], posterior, rtol=1e-6)
    np.testing.assert_allclose(read.confidence, [math.prod(posterior)], rtol=1e-6)


def test_the_first_of_equal_frames_and_the_lowest_of_equal_classes_win():
    read = run(peaked([[1, 1, 1, 1]]), [4])
    assert (read.lengths[0], read.frames[0, 0]) == (1, 0)
    read = run(np.zeros((1, 4, 4)), [4], blank_id=3)
    assert (read.lengths[0], read.tokens[0, 0], read.frames[0, 0]) == (1, 0, 0)
    np.testing.assert_allclose(read.confidences[0, 0], 0.25, rtol=1e-6)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, 99.0])
def test_frames_beyond_the_length_are_not_read(garbage):
    logits = peaked([[1, 1, 1, 2, 3], [2, 0, 2, 1, 1]])
    clean = run(logits, [2, 3])
    for b, length in enumerate([2, 3]):
        logits[b, length:, 1] = garbage
    for ours, expected in zip(run(logits, [2, 3]), clean, strict=True):
        np.testing.assert_array_equal(ours, expected)
    np.testing.assert_array_equal(clean.lengths, [1, 2])


def test_nothing_read_is_as_sure_as_the_blanks_are():
    read = run(peaked([[0, 0, 0], [1, 2, 3]]), [3, 0])
    np.testing.assert_array_equal(read.lengths, [0, 0])
    blank = np.exp(5) / (np.exp(5) + 3)
    np.testing.assert_allclose(read.confidence, [blank**3, 1], rtol=1e-5)
    unsure = run(np.log([[[0.5, 0.25, 0.25], [0.6, 0.2, 0.2], [0.1, 0.8, 0.1]]]), [2])
    np.testing.assert_allclose(unsure.confidence, [0.5 * 0.6], rtol=1e-6)
    np.testing.assert_array_equal(read.frames, -np.ones((2, 3)))


def test_arrays_without_frames():
    read = run(np.zeros((2, 0, 4)), [0, 0])
    assert read.tokens.shape == read.confidences.shape == read.frames.shape == (2, 0)
    np.testing.assert_array_equal(read.lengths, [0, 0])
    np.testing.assert_array_equal(read.confidence, [1, 1])


def test_half_precision_and_float64_mode_give_the_same_types():
    logits, lengths = peaked([[1, 1, 0, 2]]), [4]
    types = [x.dtype for x in run(logits, lengths)]
    assert types == [jnp.int32, jnp.int32, jnp.float32, jnp.int32, jnp.float32]
    half = decode(jnp.asarray(logits, jnp.bfloat16), jnp.asarray(lengths))
    assert [x.dtype for x in half] == types
    with jax.enable_x64(True):
        wide = decode(jnp.asarray(logits, jnp.float64), jnp.asarray(lengths))
        assert [x.dtype for x in wide] == types


def test_equal_without_jit_and_under_vmap():
    logits = np.random.default_rng(0).standard_normal((3, 2, 6, 4)).astype(np.float32)
    lengths = jnp.array([[6, 2], [0, 5], [3, 6]])
    stacked = jax.vmap(best_path)(jnp.asarray(logits), lengths)
    assert isinstance(stacked, Decoded)
    for n in range(3):
        expected = run(logits[n], lengths[n])
        for ours, one in zip(stacked, expected, strict=True):
            np.testing.assert_allclose(ours[n], one, rtol=1e-6)
