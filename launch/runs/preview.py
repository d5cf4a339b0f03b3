"""A contact sheet of a source's samples with their labels, written by ``launch.prepare --preview``."""

from pathlib import Path

import numpy as np

from datasets.sources import BadSampleError, Source
from datasets.specs import open_source
from recog.codecs import BoxLabel
from recog.evaluation.contact_sheet import CELL, PICTURE_CELL, Tile, write_contact_sheet
from recog.images import decode
from recog.outlines import caption, outlined

SHOWN = 60
"""Samples on a contact sheet, unless another number is given."""


def write_preview(spec: str, out: str | Path = "preview.png", count: int = SHOWN) -> Path:
    """Draws random samples with their labels on a contact sheet; unreadable ones are left out and reported.

    Boxes are outlined, with a dot on the first corner; classes and texts are in the caption.

    Args:
      spec: source of the samples, see `datasets.specs.open_source`.
      out: PNG to write.
      count: number of samples, the same ones at each call.

    Returns:
      The path of the PNG.

    Raises:
      ValueError: unknown source, a source without readable samples, or a name in ``out`` that does not end in .png.
    """
    out = Path(out).expanduser()
    if out.suffix.lower() != ".png":
        raise ValueError(f"--out={out}: the contact sheet needs a name that ends in .png")
    out.parent.mkdir(parents=True, exist_ok=True)
    source = open_source(spec)
    chosen = np.random.default_rng(0).choice(len(source), min(count, len(source)), replace=False)
    loaded = [one for index in np.sort(chosen).tolist() if (one := _load(source, index))]
    if not loaded:
        raise ValueError(f"{spec}: no sample can be shown")
    tiles, with_boxes = zip(*loaded, strict=True)
    write_contact_sheet(out, tiles, cell=PICTURE_CELL if any(with_boxes) else CELL)
    print(f"{len(tiles)} of {len(source):,} samples of {spec}: {out}")
    return out


def _load(source: Source, index: int) -> tuple[Tile, bool] | None:
    """The picture with its label, and whether that is boxes; None, with a printed note, if it cannot be read."""
    try:
        image, label, _ = source[index]
        picture = decode(image, 3) if isinstance(image, bytes) else image
    except ValueError as error:
        origin = "" if isinstance(error, BadSampleError) else f"{source.origin(index)}: "
        print(f"left out: {origin}{error}")
        return None
    if isinstance(label, BoxLabel):
        return Tile(outlined(picture, label), caption(label)), True
    return Tile(picture, label), False
