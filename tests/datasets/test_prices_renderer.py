"""Rendered price tags: a pure function of seed and index, every label a price that is wholly on the tag."""

import itertools
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.synthetic.prices import Prices, PricesConfig, colour, draw_text, lay_out
from recog.alphabet import PRICE

LUMA = np.array([0.299, 0.587, 0.114])


def source(seed: int = 0, **fields) -> Prices:
    return Prices(PricesConfig(seed=seed, **fields))


def test_samples_are_uint8_rgb_of_the_configured_size():
    image, text, origin = source(3)[5]
    assert isinstance(image, np.ndarray)
    assert (image.shape, image.dtype, origin) == ((96, 200, 3), np.uint8, "prices seed=3 index=5")
    assert text
    assert np.shape(source(height=32, width=100)[0].image) == (32, 100, 3)


def test_samples_are_the_same_in_any_order_and_copy():
    stream = source(9)
    expected = [stream[index] for index in range(25)]
    copy = pickle.loads(pickle.dumps(source(9)))
    for index in reversed(range(25)):
        image, text, origin = copy[index]
        assert (text, origin) == (expected[index].label, expected[index].origin)
        assert np.array_equal(image, expected[index].image)


def test_seeds_give_different_pictures():
    assert len({np.asarray(source(seed)[index].image).tobytes() for seed in range(3) for index in range(15)}) == 45


@pytest.mark.parametrize(("fields", "message"), [({"height": 20}, "200x20"), ({"clutter": 2.0}, "clutter 2.0")])
def test_a_configuration_that_cannot_be_rendered_is_refused(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        source(**fields)


def test_labels_are_prices_with_and_without_decimals():
    texts = [draw_text(np.random.default_rng([1, index])) for index in range(3000)]
    assert all(re.fullmatch(r"\d{1,4}(\.\d\d)?", text) for text in texts)
    assert all(PRICE.decode(PRICE.encode(text)) == text for text in texts[:300])
    assert 0.1 < np.mean(["." not in text for text in texts]) < 0.3
    assert {len(text.partition(".")[0]) for text in texts} == {1, 2, 3, 4}
    assert not any(re.match(r"0\d", text) for text in texts)


@settings(max_examples=300)
@given(st.integers(0, 2**31))
def test_the_main_price_is_whole_on_the_tag_and_the_largest(seed: int):
    random = np.random.default_rng(seed)
    text = draw_text(random)
    price, beside, boxes = lay_out(text, random)
    height, width = price.shape
    assert beside.shape == price.shape
    assert width >= 1.6 * height - 1
    assert 1 <= len(boxes) <= 3
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert (price[top:bottom, left:right] > 128).sum() >= 4
    assert all(one[2] <= other[0] for one, other in itertools.pairwise(boxes))
    inside = np.zeros_like(price)
    for left, top, right, bottom in boxes:
        inside[top:bottom, left:right] = 255
    assert not (price & ~inside).any()
    assert not price[[0, -1]].any()
    assert not price[:, [0, -1]].any()


def test_points_vanish_before_some_small_decimals_and_only_there():
    vanished = kept = 0
    for seed in range(400):
        price, _, boxes = lay_out("12.90", np.random.default_rng(seed))
        assert price.any()
        whole, decimals = boxes[0], boxes[-1]
        if len(boxes) == 2:
            vanished += 1
            assert decimals[3] - decimals[1] < 0.8 * (whole[3] - whole[1])
        else:
            kept += 1
    assert vanished > 60
    assert kept > 150


def test_other_things_stand_beside_and_do_not_cover_the_price():
    overlaps = []
    for seed in range(200):
        price, beside, _ = lay_out("1234.56", np.random.default_rng(seed))
        overlaps.append(((price > 128) & (beside > 128)).sum() / (price > 128).sum())
    assert max(overlaps) < 0.05


def test_ink_and_ground_are_far_apart():
    for seed in range(200):
        random = np.random.default_rng(seed)
        tag = lay_out("88.88", random)
        luma = colour(tag, 1.0, random) @ LUMA
        ground = np.median(luma[(tag.price == 0) & (tag.beside == 0)])
        ink = np.median(luma[tag.price > 250])
        assert abs(ink - ground) > 40


def test_every_picture_keeps_contrast():
    for index in range(100):
        assert np.std(np.asarray(source(4, clutter=0.0)[index].image) @ LUMA) > 15
        assert np.std(np.asarray(source(4)[index].image) @ LUMA) > 3


def test_clutter_keeps_labels():
    clean, cluttered = source(11, clutter=0.0), source(11)
    assert [clean[index].label for index in range(20)] == [cluttered[index].label for index in range(20)]
