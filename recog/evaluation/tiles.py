"""Padding of matrix products on a TPU, whose matrix unit multiplies tiles of a fixed size.

The matrix unit of a TPU v2 to v5 holds 128 by 128 numbers of one argument, and vectors of 128 lanes by 8 sublanes of
the other stream through it. Sizes between are padded with zeros, which take as long as other numbers. Compilers choose
which argument streams; the cheaper choice is counted here, so that a TPU pads at least this much.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from recog.evaluation.cost import Product

LANES, SUBLANES = 128, 8


class Padding(NamedTuple):
    """Products of one shape, and what a TPU makes of them."""

    product: Product
    """The shape; ``times`` counts all products that have it."""
    padded: int
    """Multiply-accumulates with those of the padding."""

    @property
    def wasted(self) -> int:
        """Multiply-accumulates of the padding."""
        return self.padded - self.product.macs


def pad(product: Product) -> Padding:
    """Counts the multiply-accumulates of a product on whole tiles."""
    rows, columns, contracted, times = product
    streamed = min(
        _whole(rows, SUBLANES) * _whole(columns, LANES),
        _whole(rows, LANES) * _whole(columns, SUBLANES),
    )
    return Padding(product, streamed * _whole(contracted, LANES) * times)


def pad_all(products: Sequence[Product]) -> list[Padding]:
    """Counts each shape of product once, the most wasteful first."""
    times: Counter[Product] = Counter()
    for product in products:
        times[product._replace(times=1)] += product.times
    return sorted((pad(shape._replace(times=count)) for shape, count in times.items()), key=lambda x: -x.wasted)


def _whole(size: int, tile: int) -> int:
    return math.ceil(size / tile) * tile
