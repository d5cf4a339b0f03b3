"""CRNN against Table 1 of the paper, and the promise that padding changes nothing."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.crnn import CRNN, CRNNConfig
from recog.ops.recurrent import RecurrentConfig

TINY = CRNNConfig(width=0.1, batch_norm=(1, 3, 5, 6, 7), recurrent=RecurrentConfig(layers=1, units=8))
ONE_WAY = RecurrentConfig(layers=2, units=8, projection=0, directions=1)
TINY_MUSIC = dataclasses.replace(TINY, without=(4, 6), recurrent=ONE_WAY)
MUSIC = CRNNConfig(without=(4, 6), recurrent=RecurrentConfig(directions=1))


def shapes(config, channels=1, classes=37, width=100):
    model = CRNN(config, classes)
    images, widths = jnp.zeros((1, 32, width, channels)), jnp.array([width])
    return model, jax.eval_shape(lambda: model.init(jax.random.key(0), images, widths, train=False))


def apply(model, variables, images, widths, *, train=False):
    """Compiled; with the updated statistics when training."""
    mutable = ("batch_stats",) if train else False
    return jax.jit(model.apply, static_argnames=("train", "mutable"))(
        variables, images, widths, train=train, mutable=mutable
    )


def count(tree) -> int:
    return sum(x.size for x in jax.tree.leaves(tree))


def test_parameters_are_the_papers_8_33_million():
    _, variables = shapes(CRNNConfig())
    assert round(count(variables["params"]) / 1e6, 2) == 8.33


def test_parameters_equal_a_count_by_hand():
    channels = (1, 64, 128, 256, 256, 512, 512, 512)
    convolutions = sum(9 * i * o + o for i, o in zip(channels[:-1], (*channels[1:-1], 0), strict=True) if o)
    convolutions += 4 * 512 * 512 + 512
    batch_norm = 2 * (512 + 512)
    first = 2 * (4 * 256 * (512 + 256) + 4 * 256)
    second = 2 * (4 * 256 * (256 + 256) + 4 * 256)
    projection, classifier = 512 * 256 + 256, 512 * 37 + 37
    _, variables = shapes(CRNNConfig())
    assert count(variables["params"]) == convolutions + batch_norm + first + second + projection + classifier


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
@pytest.mark.parametrize("width", [1, 4, 5, 31, 64, 97, 100, 101, 160])
def test_frames_are_what_the_model_emits(width, config):
    model, variables = shapes(config, width=width)
    images, widths = jnp.zeros((1, 32, width, 1)), jnp.array([width])
    frames = jax.eval_shape(lambda v: model.apply(v, images, widths, train=False), variables)
    assert frames.logits.shape == (1, model.frames(width), 37)


def test_the_papers_example_has_26_frames():
    assert CRNN.frames(100) == 26


def test_other_heights_are_refused_by_name():
    with pytest.raises(ValueError, match="height 32, got 48"):
        CRNN(TINY, 5).init(jax.random.key(0), jnp.zeros((1, 48, 64, 1)), jnp.array([64]), train=False)


@pytest.fixture(scope="module", params=[TINY, TINY_MUSIC], ids=["table 1", "music"])
def tiny(request):
    random = np.random.default_rng(0)
    model = CRNN(request.param, 11)
    images = random.uniform(-1, 1, (3, 32, 96, 1)).astype(np.float32)
    widths = jnp.array([96, 61, 40])
    variables = jax.jit(model.init, static_argnames="train")(jax.random.key(0), images, widths, train=False)
    # Statistics that are not the initial ones, so that normalised zeros are no zeros.
    variables = jax.tree.map(lambda x: x + jnp.asarray(random.uniform(0.1, 0.5, x.shape), x.dtype), variables)
    return model, variables, images, widths


def test_a_reading_does_not_depend_on_padding_or_batch_mates(tiny):
    model, variables, images, widths = tiny
    together = apply(model, variables, images, widths)
    for row, width in enumerate(widths.tolist()):
        alone = apply(model, variables, images[row : row + 1, :, :width], jnp.array([width]))
        length = int(alone.lengths[0])
        assert length == int(together.lengths[row]) == CRNN.frames(width)
        np.testing.assert_allclose(together.logits[row, :length], alone.logits[0], atol=2e-5)


def test_what_stands_in_the_padding_does_not_matter(tiny):
    model, variables, images, widths = tiny
    loud = np.array(images)
    for row, width in enumerate(widths.tolist()):
        loud[row, :, width:] = 1e3
    for train in (False, True):
        quiet_out = apply(model, variables, images, widths, train=train)
        loud_out = apply(model, variables, loud, widths, train=train)
        for a, b in zip(jax.tree.leaves(quiet_out), jax.tree.leaves(loud_out), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_batch_statistics_do_not_see_padding(tiny):
    model, variables, images, widths = tiny
    wide = np.pad(images, ((0, 0), (0, 0), (0, 64), (0, 0)))
    narrow_state = apply(model, variables, images, widths, train=True)[1]
    wide_state = apply(model, variables, wide, widths, train=True)[1]
    for a, b in zip(jax.tree.leaves(narrow_state), jax.tree.leaves(wide_state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_rows_without_a_sample_have_no_frames_and_move_no_statistics(tiny):
    model, variables, images, widths = tiny
    noise = np.random.default_rng(1).uniform(-1, 1, (2, *images.shape[1:])).astype(np.float32)
    frames, state = apply(model, variables, images, widths, train=True)
    more = np.concatenate([images, noise]), jnp.concatenate([widths, jnp.zeros(2, widths.dtype)])
    more_frames, more_state = apply(model, variables, *more, train=True)
    np.testing.assert_array_equal(more_frames.lengths, [*frames.lengths, 0, 0])
    np.testing.assert_allclose(more_frames.logits[:3], frames.logits, atol=2e-5)
    for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(more_state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_bfloat16_keeps_parameters_statistics_and_logits_in_float32(tiny):
    model, variables, images, widths = tiny
    low = CRNN(dataclasses.replace(model.config, dtype="bfloat16"), 11)
    frames, state = apply(low, variables, images, widths, train=True)
    assert frames.logits.dtype == jnp.float32
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(state))
    fresh = jax.eval_shape(lambda: low.init(jax.random.key(0), images, widths, train=False))
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(fresh))
