"""CRNN against Table 1 of the paper, and the promise that padding changes nothing."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.crnn import CRNN, CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from tests.variables import abstract_variables, random_variables

TINY = CRNNConfig(width=1 / 16, batch_norm=(1, 3, 5, 6, 7), recurrent=RecurrentConfig(layers=1, units=8))
ONE_WAY = RecurrentConfig(layers=2, units=8, projection=0, directions=1)
TINY_MUSIC = dataclasses.replace(TINY, without=(4, 6), recurrent=ONE_WAY)
MUSIC = CRNNConfig(without=(4, 6), recurrent=RecurrentConfig(directions=1))


def shapes(config, channels=1, classes=37, width=100):
    model = CRNN(config, classes)
    return model, abstract_variables(model, jnp.zeros((1, 32, width, channels)), jnp.array([width]), train=False)


def count(tree) -> int:
    return sum(x.size for x in jax.tree.leaves(tree))


@pytest.fixture(scope="module")
def full():
    """Variables of the paper's size."""
    return shapes(CRNNConfig())[1]


def test_parameters_are_the_papers_8_33_million(full):
    assert round(count(full["params"]) / 1e6, 2) == 8.33


def test_parameters_equal_a_count_by_hand(full):
    channels = (1, 64, 128, 256, 256, 512, 512, 512)
    convolutions = sum(9 * i * o + o for i, o in zip(channels[:-1], (*channels[1:-1], 0), strict=True) if o)
    convolutions += 4 * 512 * 512 + 512
    batch_norm = 2 * (512 + 512)
    first = 2 * (4 * 256 * (512 + 256) + 4 * 256)
    second = 2 * (4 * 256 * (256 + 256) + 4 * 256)
    projection, classifier = 512 * 256 + 256, 512 * 37 + 37
    assert count(full["params"]) == convolutions + batch_norm + first + second + projection + classifier


def test_width_multiplies_channels():
    _, half = shapes(CRNNConfig(width=0.5))
    assert half["params"]["conv1"]["kernel"].shape == (3, 3, 1, 32)
    assert half["params"]["conv7"]["kernel"].shape == (2, 2, 256, 256)


def test_batch_norm_follows_the_configured_convolutions():
    _, variables = shapes(CRNNConfig(batch_norm=(3, 5, 7)))
    assert {name for name in variables["params"] if name.startswith("norm")} == {"norm3", "norm5", "norm7"}


def test_the_reader_of_music_lacks_the_fourth_and_sixth_convolution():
    _, variables = shapes(MUSIC)
    assert set(variables["params"]) == {f"conv{n}" for n in (1, 2, 3, 5, 7)} | {"norm5", "recurrent", "classifier"}
    assert variables["params"]["conv5"]["kernel"].shape == (3, 3, 256, 512)
    assert variables["params"]["conv7"]["kernel"].shape == (2, 2, 512, 512)


def test_parameters_of_the_reader_of_music_equal_a_count_by_hand():
    channels = (1, 64, 128, 256, 512)
    convolutions = sum(9 * i * o + o for i, o in itertools.pairwise(channels)) + 4 * 512 * 512 + 512
    first, second = (4 * 256 * (inputs + 256) + 4 * 256 for inputs in (512, 256))
    projection, classifier = 256 * 256 + 256, 256 * 37 + 37
    _, variables = shapes(MUSIC)
    assert count(variables["params"]) == convolutions + 2 * 512 + first + second + projection + classifier


@pytest.mark.parametrize("without", [(7,), (0,), (4, 8)])
def test_only_the_first_six_convolutions_can_be_left_out(without):
    with pytest.raises(ValueError, match=r"model.without=.*: choose from 1 to 6"):
        shapes(dataclasses.replace(TINY, without=without))


@pytest.mark.parametrize("config", [TINY, TINY_MUSIC], ids=["table 1", "music"])
def test_frames_are_what_the_model_emits(config):
    model, variables = shapes(config)  # of any width

    def logits(width):
        images, widths = jnp.zeros((1, 32, width, 1)), jnp.array([width])
        return jax.eval_shape(lambda v: model.apply(v, images, widths, train=False), variables).logits

    widths = (1, 4, 5, 31, 64, 97, 100, 101, 160)
    assert [logits(width).shape for width in widths] == [(1, model.frames(width), 37) for width in widths]


def test_the_papers_example_has_26_frames():
    assert CRNN.frames(100) == 26


def test_other_heights_are_refused_by_name():
    with pytest.raises(ValueError, match="height 32, got 48"):
        CRNN(TINY, 5).init(jax.random.key(0), jnp.zeros((1, 48, 64, 1)), jnp.array([64]), train=False)


WIDTHS = np.array([96, 61, 40, 96])


class Tiny:
    """A small model with random variables, and its compiled programs."""

    def __init__(self, config):
        random = np.random.default_rng(0)
        self.model = CRNN(config, 11)
        self.images = random.uniform(-1, 1, (4, 32, 96, 1)).astype(np.float32)
        # Statistics are not the initial ones, so that normalised zeros are no zeros.
        self.variables = random_variables(self.model, self.images, WIDTHS, train=False)
        self._read = jax.jit(functools.partial(self.model.apply, train=False))
        self._train = jax.jit(functools.partial(self.model.apply, train=True, mutable=("batch_stats",)))

    def read(self, images, widths):
        return jax.tree.map(np.asarray, self._read(self.variables, images, np.array(widths)))

    def train(self, images, widths):
        """Frames and the updated statistics."""
        return jax.tree.map(np.asarray, self._train(self.variables, images, np.array(widths)))


@pytest.fixture(scope="module", params=[TINY, TINY_MUSIC], ids=["table 1", "music"])
def tiny(request):
    return Tiny(request.param)


def test_a_reading_does_not_depend_on_padding_or_batch_mates(tiny):
    together = tiny.read(tiny.images, WIDTHS)
    others = tiny.read(tiny.images[[0, 0, 0, 0]], WIDTHS[[0, 0, 0, 0]])
    np.testing.assert_allclose(together.logits[0], others.logits[0], atol=2e-5)
    for row in (1, 2):
        width = WIDTHS[row]
        alone = tiny.read(tiny.images[row : row + 1, :, :width], [width])
        length = int(alone.lengths[0])
        assert length == int(together.lengths[row]) == CRNN.frames(width)
        np.testing.assert_allclose(together.logits[row, :length], alone.logits[0], atol=2e-5)


def test_what_stands_in_the_padding_does_not_matter(tiny):
    loud = np.where(np.arange(96)[:, None] < WIDTHS[:, None, None, None], tiny.images, np.float32(1e3))
    for run in (tiny.read, tiny.train):
        quiet_out, loud_out = run(tiny.images, WIDTHS), run(loud, WIDTHS)
        for a, b in zip(jax.tree.leaves(quiet_out), jax.tree.leaves(loud_out), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_batch_statistics_do_not_see_padding(tiny):
    wide = np.pad(tiny.images, ((0, 0), (0, 0), (0, 64), (0, 0)))
    _, narrow_state = tiny.train(tiny.images, WIDTHS)
    _, wide_state = tiny.train(wide, WIDTHS)
    for a, b in zip(jax.tree.leaves(narrow_state), jax.tree.leaves(wide_state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_rows_without_a_sample_have_no_frames_and_move_no_statistics(tiny):
    """Two samples with two rows of noise are as the two samples twice."""
    noise = np.random.default_rng(1).uniform(-1, 1, tiny.images[:2].shape).astype(np.float32)
    twice, state = tiny.train(tiny.images[[0, 1, 0, 1]], WIDTHS[[0, 1, 0, 1]])
    frames, noisy_state = tiny.train(np.concatenate([tiny.images[:2], noise]), [*WIDTHS[:2], 0, 0])
    np.testing.assert_array_equal(frames.lengths, [*twice.lengths[:2], 0, 0])
    np.testing.assert_allclose(frames.logits[:2], twice.logits[:2], atol=2e-5)
    for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(noisy_state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("config", [TINY, TINY_MUSIC], ids=["table 1", "music"])
def test_bfloat16_keeps_parameters_statistics_and_logits_in_float32(config):
    low = CRNN(dataclasses.replace(config, dtype="bfloat16"), 11)
    images, widths = jnp.zeros((2, 32, 96, 1)), jnp.array([96, 61])
    fresh = abstract_variables(low, images, widths, train=False)
    train = functools.partial(low.apply, train=True, mutable=("batch_stats",))
    frames, state = jax.eval_shape(train, fresh, images, widths)
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves((fresh, frames.logits, state)))
