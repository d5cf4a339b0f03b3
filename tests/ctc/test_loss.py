"""Every promise of the CTC loss, against enumeration of all paths, a float64 forward-backward, and optax."""

import functools
import itertools
import subprocess
import sys
from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st

from launch.benchmarks.ctc_losses import jax_contestant, optax_loss
from launch.benchmarks.ctc_problem import SHAPES, Problem, Shape, problem, reference_gradient
from launch.benchmarks.forward_backward import float64_reference
from recog.ctc import ctc_loss, feasible
from recog.ctc.lattice import WIDE_BATCH
from tests.conftest import with_devices

SMALL = Shape(4, 6, 4, 3)
"""The shape that most tests share, so that they share its compiled program."""


@functools.cache
def compiled(blank_id: int = 0, loss=ctc_loss):
    """Losses ``B`` and the gradient of their sum ``B T K``."""

    def run(logits, logit_lengths, labels, label_lengths):
        losses, pull = jax.vjp(lambda x: loss(x, logit_lengths, labels, label_lengths, blank_id=blank_id), logits)
        return losses, pull(jnp.ones_like(losses))[0]

    return jax.jit(run)


def run(logits, logit_lengths, labels, label_lengths, blank_id: int = 0) -> tuple[np.ndarray, np.ndarray]:
    lengths = [np.asarray(x, np.int32) for x in (logit_lengths, labels, label_lengths)]
    losses, gradient = compiled(blank_id)(np.asarray(logits, np.float32), *lengths)
    return np.asarray(losses), np.asarray(gradient)


def small(seed: int = 0) -> list[Any]:
    """A batch of the shared shape; the labels are feasible in all frames, the first and third repeat a token."""
    logits = np.random.default_rng(seed).standard_normal(SMALL[:3]).astype(np.float32)
    labels = np.array([[1, 1, 2], [3, 2, 1], [2, 2, 2], [1, 2, 3]], np.int32)
    return [logits, np.full(4, 6, np.int32), labels, np.array([3, 3, 2, 1], np.int32)]


@functools.cache
def paths_of_readings(frames: int, classes: int, blank_id: int) -> dict[tuple[int, ...], np.ndarray]:
    """All paths ``N T`` of each reading: repeats merged, then blanks removed."""
    readings: dict[tuple[int, ...], list] = {}
    for path in itertools.product(range(classes), repeat=frames):
        reading = tuple(token for token, _ in itertools.groupby(path) if token != blank_id)
        readings.setdefault(reading, []).append(path)
    return {reading: np.array(paths, int).reshape(len(paths), frames) for reading, paths in readings.items()}


def enumerate_paths(logits: np.ndarray, label: np.ndarray, blank_id: int) -> tuple[float, np.ndarray]:
    """Loss and gradient of one sample by adding up every path, in float64."""
    frames, classes = logits.shape
    paths = paths_of_readings(frames, classes, blank_id).get(tuple(label.tolist()))
    nothing = np.inf, np.zeros(logits.shape)
    if paths is None:
        return nothing
    scores = logits.astype(np.float64)
    if frames:
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    path_scores = scores[np.arange(frames), paths].sum(axis=1)
    if path_scores.max() == -np.inf:
        return nothing
    loss = -np.logaddexp.reduce(path_scores)
    occupancy = np.zeros(logits.shape)
    for path, weight in zip(paths, np.exp(path_scores + loss), strict=True):
        occupancy[np.arange(frames), path] += weight
    return loss, np.exp(scores) - occupancy


@st.composite
def batches(draw):
    """Small batches: any lengths, any place of the blank, flat to peaked logits, sometimes masked classes."""
    programs = [*((SMALL, blank) for blank in (0, 1, 3)), (Shape(1, 4, 3, 2), 2), (Shape(3, 5, 2, 4), 1)]
    shape, blank_id = draw(st.sampled_from(programs))
    scale = draw(st.sampled_from([0.1, 1.0, 5.0, 30.0]))
    tokens = st.sampled_from([token for token in range(shape.K) if token != blank_id])
    labels = draw(st.lists(st.lists(tokens, min_size=shape.L, max_size=shape.L), min_size=shape.B, max_size=shape.B))
    lengths = [draw(st.lists(st.integers(0, most), min_size=shape.B, max_size=shape.B)) for most in (shape.T, shape.L)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = scale * rng.standard_normal(shape[:3])
    masked = rng.random(logits.shape) < draw(st.sampled_from([0.0, 0.0, 0.3]))
    masked[..., draw(st.integers(0, shape.K - 1))] = False  # a frame without any class is no distribution
    logits = np.where(masked, -np.inf, logits).astype(np.float32)
    return logits, np.array(lengths[0]), np.array(labels), np.array(lengths[1]), blank_id, scale


@hypothesis.settings(max_examples=80)
@hypothesis.given(batches())
def test_equals_the_enumeration_of_every_path(batch):
    logits, logit_lengths, labels, label_lengths, blank_id, scale = batch
    losses, gradient = run(logits, logit_lengths, labels, label_lengths, blank_id)
    for b, (frames, tokens) in enumerate(zip(logit_lengths, label_lengths, strict=True)):
        loss, expected = enumerate_paths(logits[b, :frames], labels[b, :tokens], blank_id)
        np.testing.assert_allclose(losses[b], loss, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(gradient[b, :frames], expected, rtol=0, atol=3e-6 * (1 + scale))
        assert (gradient[b, frames:] == 0).all()
        assert losses[b] >= 0


@pytest.mark.parametrize("blank_id", [0, 2, 3])
def test_the_float64_reference_equals_the_enumeration(blank_id):
    rng = np.random.default_rng(blank_id)
    tokens = [token for token in range(4) if token != blank_id]
    for frames, size in itertools.product(range(6), range(4)):
        logits = rng.standard_normal((frames, 4))
        logits[rng.random(logits.shape) < 0.1] = -np.inf
        logits[:, tokens[0]] = 0.0
        label = rng.choice(tokens, size)
        loss, gradient = float64_reference(logits, label, blank_id)
        expected_loss, expected = enumerate_paths(logits, label, blank_id)
        np.testing.assert_allclose(loss, expected_loss, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-12)


def varied(shape: Shape, seed: int) -> list[Any]:
    """A feasible batch with varied lengths."""
    case = problem(shape, seed)
    rng = np.random.default_rng(seed + 1)
    label_lengths = rng.integers(0, case.label_lengths + 1)
    doubles = np.cumsum(np.pad(case.labels[:, 1:] == case.labels[:, :-1], ((0, 0), (1, 0))), axis=1)
    needed = np.concatenate([np.zeros((shape.B, 1), int), np.arange(1, shape.L + 1) + doubles], axis=1)
    needed = np.take_along_axis(needed, label_lengths[:, None], axis=1)[:, 0]
    logit_lengths = rng.integers(np.maximum(needed, 1), shape.T + 1)
    return [case.logits, *(np.asarray(x, np.int32) for x in (logit_lengths, case.labels, label_lengths))]


def test_equals_optax_on_feasible_batches():
    run_optax = compiled(0, lambda *a, blank_id: optax_loss(*a))
    for seed in range(10):
        batch = varied(Shape(48, 14, 6, 5), seed)
        losses, gradient = run(*batch)
        assert np.isfinite(losses).all()
        expected, expected_gradient = run_optax(*batch)
        np.testing.assert_allclose(losses, expected, rtol=2e-5, atol=2e-5)
        np.testing.assert_allclose(gradient, expected_gradient, rtol=0, atol=2e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradient_is_at_least_as_close_to_float64_as_that_of_optax(shape):
    quarter = shape.B // 4  # of the samples: enough to compare, quicker to compute
    case = Problem(*(x[:quarter] for x in problem(shape, seed=1)))
    truth = reference_gradient(case)
    ours, theirs = (
        len(truth) * jax_contestant("", loss, case).gradient().astype(np.float64) for loss in (ctc_loss, optax_loss)
    )
    assert np.abs(ours - truth).max() <= np.abs(theirs - truth).max()
    assert np.square(ours - truth).mean() <= np.square(theirs - truth).mean()


def test_impossible_labels_cost_infinity_and_have_no_gradient():
    logits, _, labels, label_lengths = small()
    logit_lengths = np.array([3, 2, 3, 6], np.int32)  # 4, 3, 3 and 1 frames are needed
    losses, gradient = run(logits, logit_lengths, labels, label_lengths)
    np.testing.assert_array_equal(np.isinf(losses), [True, True, False, False])
    assert (losses[:2] > 0).all()
    assert (gradient[:2] == 0).all()
    for b in (2, 3):
        frames = logit_lengths[b]
        _, expected = enumerate_paths(logits[b, :frames], labels[b, : label_lengths[b]], 0)
        np.testing.assert_allclose(gradient[b, :frames], expected, rtol=0, atol=1e-5)


def test_empty_labels_cost_the_blanks_of_all_frames():
    logits, logit_lengths, labels, _ = small()
    losses, _ = run(logits, logit_lengths, labels, np.zeros(4))
    np.testing.assert_allclose(losses, -jax.nn.log_softmax(logits)[..., 0].sum(axis=1), rtol=1e-6)


def test_inputs_without_frames():
    logits, _, labels, _ = small()
    losses, gradient = run(logits, np.zeros(4), labels, [0, 1, 2, 0])
    np.testing.assert_array_equal(losses, [0, np.inf, np.inf, 0])
    assert (gradient == 0).all()


@pytest.mark.parametrize("batch", [2, WIDE_BATCH])
def test_arrays_without_frames_or_without_label_slots(batch):
    nothing = np.zeros(batch, int)
    losses, gradient = run(np.zeros((batch, 0, 4)), nothing, np.ones((batch, 2)), np.arange(batch) % 2)
    np.testing.assert_array_equal(losses, np.where(np.arange(batch) % 2, np.inf, 0))
    assert gradient.shape == (batch, 0, 4)
    losses, gradient = run(np.zeros((batch, 3, 4)), nothing + 3, np.zeros((batch, 0)), nothing)
    np.testing.assert_allclose(losses, 3 * np.log(4), rtol=1e-6)
    np.testing.assert_allclose(gradient, np.tile([-0.75, 0.25, 0.25, 0.25], (batch, 3, 1)), rtol=1e-6)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, -np.inf, 3e38])
def test_frames_beyond_the_length_count_for_nothing(garbage):
    logits, _, labels, label_lengths = small()
    logit_lengths = np.array([5, 2, 0, 3], np.int32)  # the second and third are impossible
    dead = np.arange(SMALL.T) >= logit_lengths[:, None]
    clean, clean_gradient = run(logits, logit_lengths, labels, label_lengths)
    logits[dead] = garbage
    losses, gradient = run(logits, logit_lengths, labels, label_lengths)
    np.testing.assert_array_equal(losses, clean)
    np.testing.assert_array_equal(gradient, clean_gradient)
    assert (gradient[dead] == 0).all()


def test_a_nan_frame_spoils_its_own_sample_alone():
    batch = small()
    clean, clean_gradient = run(*batch)
    batch[0][1, 2, 3] = np.nan
    losses, gradient = run(*batch)
    assert np.isnan(losses[1])
    assert np.isnan(gradient[1]).any()
    others = [0, 2, 3]
    np.testing.assert_array_equal(losses[others], clean[others])
    np.testing.assert_array_equal(gradient[others], clean_gradient[others])


@pytest.mark.parametrize("mask", [-np.inf, -1e9, np.finfo(np.float32).min])
def test_a_masked_class_off_the_label_is_as_if_it_did_not_exist(mask):
    logits, logit_lengths, labels, label_lengths = small()
    labels = np.minimum(labels, 2)
    logits[..., 3] = mask
    losses, gradient = run(logits, logit_lengths, labels, label_lengths)
    expected, expected_gradient = run(logits[..., :3], logit_lengths, labels, label_lengths)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient[..., :3], expected_gradient, rtol=0, atol=1e-6)
    assert (gradient[..., 3] == 0).all()


@pytest.mark.parametrize("mask", [-np.inf, np.finfo(np.float32).min])
def test_a_label_that_needs_a_masked_class_is_impossible(mask):
    batch = small()
    batch[0][..., 3] = mask  # the second label holds class 3, the cut fourth does not
    losses, gradient = run(*batch)
    np.testing.assert_array_equal(np.isinf(losses), [False, True, False, False])
    assert (gradient[1] == 0).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("mask", [-np.inf, np.finfo(np.float32).min])
def test_one_frame_that_holds_no_class_of_the_label_makes_it_impossible(mask):
    batch = small()
    batch[0][:, 2, :3] = mask  # class 3 alone is left, which the second label holds and the cut fourth does not
    losses, gradient = run(*batch)
    np.testing.assert_array_equal(np.isinf(losses), [True, False, True, True])
    assert (gradient[[0, 2, 3]] == 0).all()
    assert np.isfinite(gradient).all()


def test_a_masked_blank_leaves_the_paths_without_blanks():
    logits, logit_lengths, labels, label_lengths = small()
    logits[..., 0] = -np.inf
    losses, gradient = run(logits, logit_lengths, labels, label_lengths)
    np.testing.assert_array_equal(np.isinf(losses), [True, False, True, False])  # repeats cannot be told apart
    for b in (1, 3):
        loss, expected = enumerate_paths(logits[b], labels[b, : label_lengths[b]], 0)
        np.testing.assert_allclose(losses[b], loss, rtol=1e-5)
        np.testing.assert_allclose(gradient[b], expected, rtol=0, atol=1e-5)


def test_a_giant_finite_mask_on_the_label_costs_its_size():
    batch = small()
    batch[0][..., 3] = -1e9
    losses, gradient = run(*batch)
    np.testing.assert_allclose(losses[1], 1e9, rtol=1e-6)  # the label holds class 3 once
    assert np.isfinite(losses).all()
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient) <= 1).all()


def test_masks_in_some_frames_equal_the_enumeration():
    batch = small()
    batch[0][[0, 1, 1, 2], [2, 3, 4, 0], [1, 2, 3, 2]] = -np.inf
    losses, gradient = run(*batch)
    for b in range(SMALL.B):
        loss, expected = enumerate_paths(batch[0][b], batch[2][b, : batch[3][b]], 0)
        np.testing.assert_allclose(losses[b], loss, rtol=1e-5)
        np.testing.assert_allclose(gradient[b], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0, 1e4])
def test_never_negative(scale):
    _, logit_lengths, labels, _ = small()
    rng = np.random.default_rng(0)
    for _ in range(
        80
    ):  # nearly every path reads the label's one token: their probabilities add up to one, or just over
        logits = np.full(SMALL[:3], -1e5)
        logits[..., 0], logits[np.arange(4), :, labels[:, 0]] = scale * rng.standard_normal((2, 4, 6))
        logits[:, :2, 0] = logits[np.arange(4), :2, labels[:, 0]] - scale * rng.random((4, 2))
        logits[:, 2:4, 0] = -1e5
        logits[np.arange(4), 2:4, labels[:, 0]] = 1e5
        losses, gradient = run(logits, logit_lengths, labels, np.ones(4))
        assert (losses >= 0).all()
        assert np.isfinite(losses).all()
        assert np.isfinite(gradient).all()


def test_logits_of_huge_range_stay_finite():
    batch = small()
    losses, gradient = run(1e4 * batch[0], *batch[1:])
    assert np.isfinite(losses).all()
    assert (np.abs(gradient) <= 1 + 1e-6).all()


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_logits_are_computed_in_float32(dtype):
    logits, *lengths = small()
    half = jnp.asarray(logits, dtype)
    losses, gradient = compiled()(half, *lengths)
    expected, expected_gradient = run(half, *lengths)
    assert losses.dtype == jnp.float32
    assert gradient.dtype == dtype
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    np.testing.assert_allclose(
        gradient.astype(jnp.float32), expected_gradient, rtol=float(jnp.finfo(dtype).eps), atol=1e-6
    )


def test_float64_mode_changes_nothing():
    logits, *lengths = small()
    expected, expected_gradient = run(logits, *lengths)
    with jax.enable_x64(True):
        wide = [jnp.asarray(x, jnp.int64) for x in lengths]
        losses, gradient = compiled()(jnp.asarray(logits, jnp.float64), *wide)
        assert losses.dtype == jnp.float32
        assert gradient.dtype == jnp.float64
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=0, atol=1e-6)


def test_equal_with_and_without_jit_and_under_checkpoint():
    logits, *lengths = small()
    losses, gradient = run(logits, *lengths)
    np.testing.assert_allclose(ctc_loss(jnp.asarray(logits), *lengths), losses, rtol=1e-6)
    total = jax.checkpoint(lambda x: ctc_loss(x, *lengths).sum())
    np.testing.assert_allclose(jax.jit(jax.grad(total))(logits), gradient, rtol=0, atol=1e-6)


def test_vmap_over_a_leading_axis():
    ones = [small(seed) for seed in range(3)]
    ones[1][1][0] = 3  # one impossible label
    stacked = [np.stack(x) for x in zip(*ones, strict=True)]
    losses, gradient = jax.jit(jax.vmap(compiled()))(*stacked)
    for n, one in enumerate(ones):
        expected, expected_gradient = run(*one)
        np.testing.assert_allclose(losses[n], expected, rtol=1e-6)
        np.testing.assert_allclose(gradient[n], expected_gradient, rtol=0, atol=1e-6)


def test_the_cotangent_scales_the_gradient_of_each_sample():
    logits, logit_lengths, labels, label_lengths = small()
    logit_lengths[0] = 3  # impossible: even a NaN cotangent leaves no trace
    _, gradient = run(logits, logit_lengths, labels, label_lengths)

    @jax.jit
    def weighted(logits, weights):
        return jax.vjp(lambda x: ctc_loss(x, logit_lengths, labels, label_lengths), logits)[1](weights)[0]

    weights = np.array([np.nan, 2.0, -0.5, 0.0], np.float32)
    expected = np.where(np.arange(4) == 0, 0, weights)[:, None, None] * gradient
    np.testing.assert_allclose(weighted(logits, weights), expected, rtol=0, atol=1e-6)


def test_both_row_layouts_agree():
    batch = varied(Shape(WIDE_BATCH, 14, 6, 5), seed=0)
    batch[1][3] = 0
    wide = run(*batch)
    half = WIDE_BATCH // 2
    narrow = [run(*(x[rows] for x in batch)) for rows in (slice(None, half), slice(half, None))]
    for ours, parts in zip(wide, zip(*narrow, strict=True), strict=True):
        np.testing.assert_allclose(ours, np.concatenate(parts), rtol=1e-6, atol=1e-6)


def test_a_batch_of_one_equals_its_row_of_a_larger_batch():
    batch = small()
    losses, gradient = run(*batch)
    loss, one = run(*(x[:1] for x in batch))
    np.testing.assert_allclose(loss, losses[:1], rtol=1e-6)
    np.testing.assert_allclose(one, gradient[:1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("garbage", [-1, 10**6, 0])
def test_label_slots_beyond_the_length_may_hold_anything(garbage):
    logits, logit_lengths, labels, label_lengths = small()
    expected, expected_gradient = run(logits, logit_lengths, labels, label_lengths)
    labels[np.arange(SMALL.L) >= label_lengths[:, None]] = garbage
    losses, gradient = run(logits, logit_lengths, labels, label_lengths)
    np.testing.assert_array_equal(losses, expected)
    np.testing.assert_array_equal(gradient, expected_gradient)


@pytest.mark.parametrize(
    ("argument", "place", "value"),
    [
        *((2, (1, 1), token) for token in (-1, SMALL.K, 10**6)),
        (2, (1, 1), 0),  # the blank
        (1, 1, SMALL.T + 1),
        (1, 1, 10**6),
        (1, 1, -1),
        (3, 1, SMALL.L + 1),
        (3, 1, 10**6),
        (3, 1, -1),
    ],
)
def test_a_sample_out_of_range_gets_nan_alone(argument, place, value):
    batch = small()
    expected, expected_gradient = run(*batch)
    batch[argument][place] = value
    losses, gradient = run(*batch)
    others = [0, 2, 3]
    assert np.isnan(losses[1])
    assert np.isnan(gradient[1]).any() or batch[1][1] < 1  # without live frames
    np.testing.assert_array_equal(losses[others], expected[others])
    np.testing.assert_array_equal(gradient[others], expected_gradient[others])
    assert feasible(*batch).tolist() == [True, False, True, True]


def test_the_blank_may_be_any_class_but_not_in_a_label():
    batch = small()
    losses, _ = run(*batch, blank_id=3)
    assert np.isnan(losses).tolist() == [False, True, False, False]
    assert feasible(*batch, blank_id=3).tolist() == [True, False, True, True]


@hypothesis.given(
    st.lists(st.integers(-1, SMALL.T + 1), min_size=4, max_size=4),
    st.lists(st.lists(st.integers(-1, SMALL.K), min_size=3, max_size=3), min_size=4, max_size=4),
    st.lists(st.integers(-1, SMALL.L + 1), min_size=4, max_size=4),
)
@hypothesis.settings(max_examples=50)
def test_feasible_samples_have_finite_losses_and_no_others(logit_lengths, labels, label_lengths):
    batch = [small()[0], *(np.asarray(x, np.int32) for x in (logit_lengths, labels, label_lengths))]
    losses, _ = run(batch[0], *batch[1:4])
    np.testing.assert_array_equal(np.isfinite(losses), feasible(*map(jnp.asarray, batch)))


@pytest.mark.parametrize(
    ("index", "shape", "message"),
    [
        (0, (4, 6), "logits B T K"),
        (2, (4,), "labels B L"),
        (0, (3, 6, 4), "batch sizes differ"),
        (1, (3,), "batch sizes differ"),
        (1, (4, 1), "batch sizes differ"),
        (2, (3, 3), "batch sizes differ"),
        (3, (), "batch sizes differ"),
    ],
)
def test_shapes_that_do_not_belong_together(index, shape, message):
    batch = small()
    batch[index] = np.zeros(shape, batch[index].dtype)
    with pytest.raises(ValueError, match=message):
        ctc_loss(*batch)


@pytest.mark.parametrize("blank_id", [-1, SMALL.K])
def test_a_blank_outside_the_classes(blank_id):
    with pytest.raises(ValueError, match=f"blank_id {blank_id} .*4 classes"):
        ctc_loss(*small(), blank_id=blank_id)


SHARDED = """
import jax, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from launch.benchmarks.ctc_problem import Shape, problem
from recog.ctc import ctc_loss

assert jax.device_count() == 4
mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
by_sample = NamedSharding(mesh, PartitionSpec("data"))

@jax.jit
def run(logits, *lengths):
    losses, pull = jax.vjp(lambda x: ctc_loss(x, *lengths), logits)
    return losses, pull(jax.numpy.ones_like(losses))[0]

for batch in (64, 8):
    case = problem(Shape(batch, 12, 9, 4))
    spread = jax.device_put(tuple(case), by_sample)
    program = run.lower(*spread).compile()
    for collective in ("all-gather", "all-to-all", "collective-permute", "all-reduce", "reduce-scatter"):
        assert collective not in program.as_text(), (batch, collective)
    outputs = program(*spread)
    for ours, whole in zip(outputs, run(*case)):
        assert ours.sharding.is_equivalent_to(by_sample, ours.ndim), ours.sharding
        np.testing.assert_allclose(ours, whole, rtol=1e-6, atol=1e-6)
"""


def test_a_sharded_batch_needs_no_word_between_devices():
    """In its own process: the number of forced host devices is fixed when jax starts."""
    command = [sys.executable, "-c", SHARDED]
    done = subprocess.run(command, env=with_devices(4), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
