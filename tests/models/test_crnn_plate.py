"""The plate variant of CRNN against the size and cost that its paper prints, counted by hand."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.crnn_plate import CRNNPlate, CRNNPlateConfig
from recog.ops.recurrent import RecurrentConfig
from tests.variables import random_variables

TINY = CRNNPlateConfig(width=1 / 16, recurrent=RecurrentConfig(layers=1, units=8), dropout=0.5)


@pytest.fixture(scope="module")
def full():
    model = CRNNPlate(CRNNPlateConfig(), 68)
    images, widths = jnp.zeros((2, 24, 94, 3)), jnp.array([94, 0])
    return jax.eval_shape(lambda: model.init_with_output(jax.random.key(0), images, widths, train=False))


def count(tree) -> int:
    return sum(x.size for x in jax.tree.leaves(tree))


def test_parameters_are_the_papers_7_3_million(full):
    channels = (3, 64, 128, 256, 256, 512, 512)
    convolutions = sum(9 * i * o + o for i, o in itertools.pairwise(channels))
    batch_norm = 2 * (512 + 512)
    first, second = (2 * 4 * 256 * (inputs + 256) for inputs in (512, 256))
    projection, classifier = 512 * 256 + 256, 512 * 68 + 68
    kernels = convolutions + batch_norm + first + second + projection + classifier
    biases_of_one_layer = 2 * 4 * 256
    ours, pytorch = kernels + 2 * biases_of_one_layer, kernels + 2 * 2 * biases_of_one_layer  # PyTorch: two a gate
    assert count(full[1]["params"]) == ours == 7_294_660
    assert pytorch == 7_298_756
    assert round(ours / 1e6, 1) == round(pytorch / 1e6, 1) == 7.3


def test_a_plate_costs_the_papers_0_95_gflops(full):
    params = full[1]["params"]
    # Rows and columns that each convolution writes, by the pools before it.
    places = {1: 24 * 94, 2: 12 * 47, 3: 6 * 23, 4: 6 * 23, 5: 3 * 23, 6: 3 * 23}
    products = sum(size * params[f"conv{n}"]["conv"]["kernel"].size for n, size in places.items())
    recurrent = params["recurrent"]
    per_frame = sum(recurrent[layer][name].size for layer in ("layer1", "layer2") for name in ("kernel", "recurrent"))
    per_frame += recurrent["projection1"]["kernel"].size + params["classifier"]["kernel"].size
    products += 23 * per_frame
    assert products == 475_870_208
    assert round(2 * products / 1e9, 2) == 0.95


def test_a_plate_has_23_frames_and_a_row_without_one_none(full):
    assert full[0].logits.shape == (2, 23, 68)
    assert CRNNPlate.frames(94) == 23


@pytest.mark.parametrize("width", [40, 94, 95, 96])
def test_frames_are_what_the_model_emits(width):
    model = CRNNPlate(TINY, 5)
    images, widths = jnp.zeros((1, 24, width, 3)), jnp.array([width])
    frames, _ = jax.eval_shape(lambda: model.init_with_output(jax.random.key(0), images, widths, train=False))
    assert frames.logits.shape == (1, model.frames(width), 5)


def test_rows_without_a_sample_have_no_frames_and_move_no_statistics():
    random = np.random.default_rng(0)
    model = CRNNPlate(TINY, 5)
    images = random.uniform(-1, 1, (4, 24, 94, 3)).astype(np.float32)
    variables = random_variables(model, images, np.full(4, 94), train=False)

    @jax.jit
    def train(images, widths) -> Any:
        dropout = {"dropout": jax.random.key(2)}
        return model.apply(variables, images, widths, train=True, mutable=("batch_stats",), rngs=dropout)

    frames, state = train(images, jnp.array([94, 94, 0, 0]))
    np.testing.assert_array_equal(frames.lengths, [23, 23, 0, 0])
    assert np.isfinite(frames.logits).all()
    for others in (images[:2][::-1], 100 * images[:2]):
        other_frames, other_state = train(np.concatenate([images[:2], others]), jnp.array([94, 94, 0, 0]))
        np.testing.assert_allclose(other_frames.logits[:2], frames.logits[:2], atol=1e-5)
        for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(other_state), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    moved = jax.tree.map(lambda a, b: not np.allclose(a, b), state["batch_stats"], variables["batch_stats"])
    assert all(jax.tree.leaves(moved))


def test_other_heights_are_refused_by_name():
    with pytest.raises(ValueError, match=r"height 24, got 32: set data\.height=24"):
        CRNNPlate(TINY, 5).init(jax.random.key(0), jnp.zeros((1, 32, 94, 3)), jnp.array([94]), train=False)


def test_bfloat16_keeps_parameters_statistics_and_logits_in_float32():
    model = CRNNPlate(CRNNPlateConfig(width=0.1, dtype="bfloat16"), 5)
    images, widths = jnp.zeros((1, 24, 94, 3)), jnp.array([94])
    frames, variables = jax.eval_shape(lambda: model.init_with_output(jax.random.key(0), images, widths, train=False))
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves((frames.logits, variables)))
