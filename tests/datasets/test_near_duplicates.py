"""Copies of a picture look alike, whatever their size, compression and brightness; other pictures do not."""

import cv2
import numpy as np

from datasets.near_duplicates import ROWS, glance, look_alikes


def scene(seed: int) -> np.ndarray:
    """A picture of large and small blobs."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC)


def compressed(picture: np.ndarray, quality: int) -> np.ndarray:
    coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def pairs(*pictures: np.ndarray) -> set[tuple[int, int]]:
    return {(pair.first, pair.second) for pair in look_alikes([glance(picture) for picture in pictures])}


def test_copies_look_alike():
    picture = scene(0)
    smaller = cv2.resize(picture, (93, 70), interpolation=cv2.INTER_AREA)
    darker = (picture * 0.8).astype(np.uint8)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
    found = pairs(picture, smaller, compressed(picture, 40), darker, grey, scene(1))
    assert found == {(a, b) for a in range(5) for b in range(a + 1, 5)}


def test_the_most_similar_pairs_come_first():
    picture = scene(0)
    found = look_alikes([glance(x) for x in (compressed(picture, 15), scene(1), picture, picture)])
    assert (found[0].first, found[0].second, found[0].bits) == (2, 3, 0)
    assert [pair.bits for pair in found] == sorted(pair.bits for pair in found)


def test_other_pictures_do_not_look_alike():
    assert not pairs(*(scene(seed) for seed in range(40)))
    assert not pairs(scene(0), scene(0)[:, ::-1].copy(), scene(0)[::-1].copy())


def test_flat_pictures_look_alike_if_they_are_as_bright():
    flat = [np.full((20, 30, 3), level, np.uint8) for level in (10, 200, 204)]
    assert pairs(*flat) == {(1, 2)}


def test_pairs_are_found_across_blocks_and_among_none():
    glances = [glance(scene(seed)) for seed in range(30)] * 10
    found = look_alikes(glances)
    assert len(glances) > ROWS
    assert len(found) == 30 * 45
    assert {pair.bits for pair in found} == {0}
    assert look_alikes([]) == []
