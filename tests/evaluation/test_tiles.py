"""Padding of products to the tiles of a TPU, against counts by hand."""

import pytest

from recog.evaluation.cost import Product
from recog.evaluation.tiles import pad, pad_all


@pytest.mark.parametrize(
    ("product", "padded"),
    [
        (Product(rows=128, columns=128, contracted=128), 128**3),
        (Product(rows=8, columns=128, contracted=128), 8 * 128 * 128),
        (Product(rows=128, columns=8, contracted=128), 8 * 128 * 128),  # the other argument streams
        (Product(rows=9, columns=128, contracted=128), 16 * 128 * 128),
        (Product(rows=129, columns=64, contracted=27), min(136 * 128, 256 * 64) * 128),
        (Product(rows=1, columns=1, contracted=1), 8 * 128 * 128),
        (Product(rows=32, columns=256, contracted=64, times=26), 32 * 256 * 128 * 26),
    ],
)
def test_products_fill_whole_tiles(product, padded):
    assert pad(product).padded == padded
    assert pad(product).wasted == padded - product.macs >= 0


def test_equal_shapes_are_counted_together_and_the_most_wasteful_come_first():
    small, whole = Product(8, 128, 1), Product(8, 128, 128)
    first, second = pad_all([whole, small, whole._replace(times=3), small])
    assert first == pad(small._replace(times=2))
    assert second == pad(whole._replace(times=4))
    assert second.wasted == 0
