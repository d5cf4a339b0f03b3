"""Table of the work that a TPU's tiles add to each model, with the sizes that add most."""

import jax
import numpy as np

from launch.runs.config import Config
from launch.runs.costs import USUAL_WIDTH, reading_shapes
from launch.runs.tasks import make_task
from recog.evaluation.cost import Product, list_products
from recog.evaluation.tiles import LANES, SUBLANES, Padding, pad_all

TOLD = 0.2
"""Share of padding from which the products that cause it are named."""
SHOWN = 3
"""Number of shapes named."""


def tile_table(configs: dict[str, Config]) -> list[str]:
    """A line of titles, a line for each model at its training batch, and below it its most wasteful products."""
    lines = [f"{'':<20}{'batch':>6}{'MACs':>12}{'on tiles':>12}{'padding':>9}"]
    for name, config in configs.items():
        paddings = pad_all(products_of(config))
        macs, padded = sum(x.product.macs for x in paddings), sum(x.padded for x in paddings)
        share = 1 - macs / padded
        lines.append(f"{name:<20}{config.data.batch_size:>6}{_giga(macs)}{_giga(padded)}{share:>9.0%}")
        if share > TOLD:
            lines += [_line(x, padded - macs) for x in paddings[:SHOWN]]
    return lines


def products_of(config: Config) -> list[Product]:
    """Products of reading one training batch, without convolutions of single channels, which run on the vector unit."""
    task, rows = make_task(config), config.data.batch_size
    width = config.data.width or max(config.data.buckets, default=USUAL_WIDTH)
    variables, images = reading_shapes(config, task, rows, width)
    products = list_products(task.predict, variables, images, jax.ShapeDtypeStruct((rows, 2), np.int32))
    return [product for product in products if product.columns > 1]


def _giga(macs: int) -> str:
    return f"{macs / 1e9:>10,.2f} G"


def _line(padding: Padding, wasted: int) -> str:
    product = padding.product
    shape = f"{product.times} x ({product.rows}x{product.contracted} times {product.contracted}x{product.columns})"
    return f"  {padding.wasted / wasted:>4.0%} of the padding: {shape}: {_mend(product)}"


def _mend(product: Product) -> str:
    """Sizes that fill the same tiles, and the next smaller ones."""
    told = [
        f"{size} {name} cost as much as {size + tile - size % tile}"
        + (f", {size - size % tile} cost less" if size > tile else "")
        for name, size, tile in (("summands", product.contracted, LANES), ("columns", product.columns, SUBLANES))
        if size % tile
    ]
    return "; ".join(told) or f"{product.rows} rows are few"
