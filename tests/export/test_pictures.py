"""Pictures of any size become batches of a few shapes, and no pixel of them changes on the way."""

import numpy as np

from recog.export.pictures import groups, pad
from recog.images import WIDEST


def test_groups_hold_every_picture_once_and_none_is_padded_to_more_than_four_times_its_width():
    random = np.random.default_rng(0)
    for count in (0, 1, 2, 40):
        widths = np.exp(random.uniform(0, 8, count)).astype(int).tolist()
        found = groups(widths)
        assert sorted(index for group in found for index in group) == list(range(count))
        for group in found:
            assert max(widths[i] for i in group) <= 4 * min(widths[i] for i in group)
    assert len(groups([60, 100, 200, 230])) == 1


def test_pad_keeps_pixels_and_adds_zeros():
    given = [np.full((32, width, 3), width, np.uint8) for width in (5, 70, 33)]
    images, sizes = pad(given, 32)
    assert images.shape == (4, 32, 96, 3)
    assert sizes.tolist() == [[32, 5], [32, 70], [32, 33], [0, 0]]
    widths = sizes[:, 1]
    for row, picture in enumerate(given):
        np.testing.assert_array_equal(images[row, :, : widths[row]], picture)
        assert not images[row, :, widths[row] :].any()
    assert not images[3].any()


def test_few_shapes_for_all_widths_and_little_padding():
    padded = {}
    for width in range(1, WIDEST + 1):
        images, _ = pad([np.zeros((1, width, 1), np.uint8)], 1)
        padded[width] = images.shape[2]
        assert images.shape[2] % 32 == 0
        assert width <= images.shape[2] < max(width + 32, 1.25 * width)
    assert len(set(padded.values())) == 8 + 4 * 4
