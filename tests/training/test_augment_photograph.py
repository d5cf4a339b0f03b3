"""Crops, mirror images and mixtures of photographs: their distribution, and what they leave alone."""

import jax
import numpy as np
import pytest
from scipy import special, stats

from recog.alphabet import Alphabet
from recog.batch import Batch
from recog.codecs import BoxCodec, ClassCodec, ClassTargets, MixedClassTargets, TextCodec
from recog.training.augment import AugmentConfig, augment
from recog.training.augment.photograph import flip, mix, random_boxes, random_partners

CODEC = ClassCodec(("cat", "dog", "fox"))
KEY = jax.random.key(1)
RANDOM = np.random.default_rng(0)
ROWS, SIZE = 8, 12
PICTURES = RANDOM.integers(0, 256, (ROWS, SIZE, SIZE, 3), dtype=np.uint8)
boxes_of, partners_of = jax.jit(random_boxes), jax.jit(random_partners)
MASK = np.array([True, True, False, True, True, True, False, True])


def batch(mask: np.ndarray = MASK) -> Batch:
    images = np.where(mask[:, None, None, None], PICTURES, 0).astype(np.uint8)
    sizes = np.where(mask[:, None], SIZE, 0).astype(np.int32) * np.ones((1, 2), np.int32)
    classes = (np.arange(ROWS) % 3).astype(np.int32)
    return Batch(images, sizes, ClassTargets(classes), np.where(mask, np.arange(ROWS), -1), mask)


@pytest.mark.parametrize(("height", "width"), [(128, 128), (60, 200)])
def test_crops_have_the_areas_ratios_and_positions_asked_for(height, width):
    left, top, wide, high = np.asarray(boxes_of(0.3, KEY, np.tile([[height, width]], (4000, 1)))).T
    assert min(left.min(), top.min()) >= 0
    assert (left + wide).max() <= width + 1e-3
    assert (top + high).max() <= height + 1e-3
    area = wide * high / (height * width)
    assert area.min() >= 0.3 - 1e-4
    ratio = wide / high
    assert ratio.min() >= 0.75 - 1e-3
    assert ratio.max() <= 4 / 3 + 1e-3
    assert stats.kstest(left / (width - wide + 1e-9), "uniform").pvalue > 1e-3 or height != width
    if height == width:  # most boxes fit at the first draw, so that areas below 3/4 are uniform
        assert stats.kstest(area[area < 0.7], stats.uniform(0.3, 0.4).cdf).pvalue > 1e-3
        assert stats.kstest(np.log(ratio[area < 0.7]), stats.uniform(np.log(0.75), 2 * np.log(4 / 3)).cdf).pvalue > 1e-3


def test_a_picture_too_narrow_for_any_crop_is_cropped_in_its_centre():
    boxes = boxes_of(0.9, KEY, np.tile([[10, 100], [100, 10]], (2000, 1)))[:2]
    np.testing.assert_allclose(
        boxes, [[(100 - 40 / 3) / 2, 0, 40 / 3, 10], [0, (100 - 40 / 3) / 2, 10, 40 / 3]], rtol=1e-5
    )


def test_pictures_are_mirrored_with_the_probability():
    pictures, sizes = np.tile(np.arange(4.0)[None, None, :, None], (4000, 1, 1, 1)), np.tile([[1, 4]], (4000, 1))
    flipped = jax.jit(flip)
    turned = np.asarray(flipped(0.3, KEY, pictures, sizes))[:, 0, 0, 0] == 3
    assert stats.binomtest(int(turned.sum()), len(turned), 0.3).pvalue > 1e-3
    np.testing.assert_array_equal(flipped(1.0, KEY, pictures, sizes), pictures[:, :, ::-1])


def test_partners_are_other_samples_each_of_them_once():
    seen = set()
    for seed in range(30):
        partners = np.asarray(partners_of(jax.random.key(seed), MASK))
        assert sorted(partners) == list(range(ROWS))
        assert (partners[~MASK] == np.arange(ROWS)[~MASK]).all()
        assert (partners[MASK] != np.arange(ROWS)[MASK]).all()
        seen.add(partners[0])
    assert len(seen) > 2, "not always the same"
    one = np.arange(ROWS) == 3
    np.testing.assert_array_equal(partners_of(KEY, one), np.arange(ROWS))


def test_mixtures_are_weighted_sums_of_two_samples():
    samples = batch()
    images = samples.images.astype(np.float32)
    mixed, targets = jax.jit(mix)(0.4, KEY, images, samples.targets, MASK)
    partners = np.asarray(partners_of(jax.random.split(KEY)[0], MASK))
    weights = np.asarray(targets.weights)
    np.testing.assert_array_equal(targets.classes, samples.targets.classes)
    np.testing.assert_array_equal(targets.partners, samples.targets.classes[partners])
    assert (weights[~MASK] == 1).all()
    assert len(set(weights[MASK])) == MASK.sum()
    share = weights[:, None, None, None]
    np.testing.assert_allclose(mixed, share * images + (1 - share) * images[partners], rtol=1e-5, atol=1e-3)


def test_weights_are_the_larger_of_a_beta_draw_and_its_complement():
    mask = np.ones(4000, bool)
    _, targets = jax.jit(mix)(0.4, KEY, np.zeros((4000, 1, 1, 1)), ClassTargets(np.zeros(4000, int)), mask)
    half = stats.beta(0.4, 0.4)
    assert stats.kstest(np.asarray(targets.weights), lambda x: 2 * half.cdf(x) - 1).pvalue > 1e-3


def test_the_loss_of_a_mixture_is_that_of_its_soft_target():
    logits = RANDOM.normal(size=(5, 3)).astype(np.float32)
    own, other, weights = np.array([0, 1, 2, 0, 1]), np.array([1, 1, 0, 2, 0]), RANDOM.uniform(0.5, 1, 5)
    targets = MixedClassTargets(own, other, weights)
    soft = weights[:, None] * np.eye(3)[own] + (1 - weights)[:, None] * np.eye(3)[other]
    logarithms = special.log_softmax(logits, axis=1)
    losses = targets.average(lambda classes: -logarithms[np.arange(5), classes])
    np.testing.assert_allclose(losses, -np.sum(soft * logarithms, axis=1), rtol=1e-5)


def test_rows_without_a_sample_stay_empty_and_are_in_no_mixture():
    config = AugmentConfig(crop=0.3, flip=0.5, mixup=0.4)
    changed = jax.jit(lambda key, samples: augment(config, key, samples, CODEC))
    out = changed(KEY, batch())
    images = np.asarray(out.images)
    assert not images[~MASK].any()
    assert images[MASK].min() >= 0
    assert images[MASK].max() <= 255
    bright = batch()
    bright = bright._replace(images=np.where(MASK[:, None, None, None], bright.images, 255).astype(np.uint8))
    np.testing.assert_array_equal(np.asarray(changed(KEY, bright).images)[MASK], images[MASK])


def test_crops_and_mirror_images_of_a_sample_do_not_depend_on_the_others():
    config = AugmentConfig(crop=0.3, flip=0.5)
    changed = jax.jit(lambda key, samples: augment(config, key, samples, CODEC))
    whole = changed(KEY, batch(np.ones(ROWS, bool)))
    np.testing.assert_array_equal(np.asarray(changed(KEY, batch()).images)[MASK], np.asarray(whole.images)[MASK])


@pytest.mark.parametrize("codec", [TextCodec(Alphabet("01")), BoxCodec(("plate",))])
@pytest.mark.parametrize("config", [AugmentConfig(flip=0.5), AugmentConfig(crop=0.5), AugmentConfig(mixup=0.2)])
def test_other_labels_would_become_wrong_and_are_refused(codec, config):
    name = next(name for name, value in vars(config).items() if value)
    with pytest.raises(ValueError, match=rf"augment\.{name}=.* is for classes.*'{codec.kind}'"):
        config.check(3, codec)
    config.check(3, CODEC)


@pytest.mark.parametrize("config", [AugmentConfig(flip=1.5), AugmentConfig(crop=1.1), AugmentConfig(mixup=-0.1)])
def test_values_out_of_range_are_refused(config):
    with pytest.raises(ValueError, match=r"flip|crop|mixup"):
        config.check(3, CODEC)
