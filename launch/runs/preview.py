"""A contact sheet of a source's samples with their labels, written by ``launch.prepare --preview``."""

from pathlib import Path

import numpy as np

from datasets.sources import BadSampleError, Source
from datasets.specs import open_source
from datasets.synthetic.scenes import Scenes
from recog.evaluation.contact_sheet import CELL, Tile, write_contact_sheet
from recog.images import decode

SHOWN = 60
"""Samples on a contact sheet, unless another number is given."""
SCENE_CELL = (320, 270)
"""Width and height in pixels of a street scene on the sheet."""


def write_preview(spec: str, out: str | Path = "preview.png", count: int = SHOWN) -> Path:
    """Draws random samples with their labels on a contact sheet; unreadable ones are left out and reported.

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
    tiles = [tile for index in np.sort(chosen).tolist() if (tile := _tile(source, index))]
    if not tiles:
        raise ValueError(f"{spec}: no sample can be shown")
    write_contact_sheet(out, tiles, cell=SCENE_CELL if isinstance(source, Scenes) else CELL)
    print(f"{len(tiles)} of {len(source):,} samples of {spec}: {out}")
    return out


def _tile(source: Source, index: int) -> Tile | None:
    """The picture and its label; None, with a printed note, for a sample that cannot be read."""
    if isinstance(source, Scenes):
        scene = source.scene(index)
        return Tile(scene.outlined(), "  ".join(plate.text for plate in scene.plates))
    try:
        image, text, _ = source[index]
        return Tile(decode(image, 3) if isinstance(image, bytes) else image, text)
    except ValueError as error:
        origin = "" if isinstance(error, BadSampleError) else f"{source.origin(index)}: "
        print(f"left out: {origin}{error}")
        return None
