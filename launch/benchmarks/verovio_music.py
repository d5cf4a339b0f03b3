"""Writes snippets of sheet music engraved by Verovio, to measure readers that were trained on this project's engraving.

    pip install '.[verovio]'
    python -m launch.benchmarks.verovio_music --out=DIR [--count=300] [--seed=1] [--notes=8] [--margin=0,60]
    python -m launch.evaluate --workdir=runs/music_small --data=folder:DIR

Melodies, clefs, keys and times are drawn as those of ``music:``; Verovio lays them out and draws them, black on white,
in one of its five fonts (Leipzig, Bravura, Gootville, Leland, Petaluma), with its own spacing, beams and line widths.
``DIR`` gets ``images/`` and ``labels.tsv``, whose labels are pitches.
"""

from pathlib import Path

import cv2
import numpy as np
from absl import flags
from jaxtyping import UInt8

from datasets.synthetic.music_mei import KEYS, mei
from datasets.synthetic.music_score import CLEFS, FLOORS, TIMES, compose, write
from launch.runs import entry
from recog.images import decode

FONTS = "Leipzig", "Bravura", "Gootville", "Leland", "Petaluma"
"""Verovio's fonts of musical signs."""
SCALE = 60
"""Size of the drawing in per cent: 10.8 pixels from line to line."""


def engraved(
    random: np.random.Generator, notes: int, margins: tuple[int, int]
) -> tuple[UInt8[np.ndarray, "H W 3"], str]:
    """Draws a snippet and its label.

    Args:
      random: source of randomness.
      notes: maximum number of notes and rests.
      margins: range of the margin around the music, in Verovio's units.
    """
    import resvg_py  # pyright: ignore[reportMissingImports]
    import verovio  # pyright: ignore[reportMissingImports]

    clef, time, key = (str(random.choice(tuple(kinds))) for kinds in (CLEFS, TIMES, KEYS))
    events = compose(clef, random.uniform(*FLOORS), TIMES[time], int(random.integers(1, notes + 1)), random)
    margin = int(random.integers(margins[0], margins[1] + 1))
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {f"pageMargin{side}": margin for side in ("Left", "Right", "Top", "Bottom")}
        | {"adjustPageHeight": True, "adjustPageWidth": True, "breaks": "none", "header": "none", "footer": "none"}
        | {"font": str(random.choice(FONTS)), "scale": SCALE}
    )
    toolkit.loadData(mei(clef, time, key, events))
    png = bytes(resvg_py.svg_to_bytes(svg_string=toolkit.renderToSVG(1), background="white"))
    return decode(png, 3), write(clef, events)


def main(argv: list[str]) -> None:
    """Writes the folder."""
    del argv
    values = flags.FLAGS
    low, high = map(int, values.margin)
    out, lines = Path(values.out), []
    (out / "images").mkdir(parents=True, exist_ok=True)
    for index in range(values.count):
        picture, label = engraved(np.random.default_rng([values.seed, index]), values.notes, (low, high))
        name = f"images/{index:05}.png"
        cv2.imwrite(str(out / name), picture[..., ::-1])
        lines.append(f"{name}\t{label}\n")
    (out / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines)} snippets in {out}")


if __name__ == "__main__":
    flags.DEFINE_string("out", None, "Folder to write.", required=True)
    flags.DEFINE_integer("count", 300, "Number of snippets.", lower_bound=1)
    flags.DEFINE_integer("seed", 1, "Seed of the snippets.", lower_bound=0)
    flags.DEFINE_integer("notes", 8, "Maximum number of notes and rests of a snippet.", lower_bound=1)
    flags.DEFINE_list("margin", ["0", "60"], "Smallest and largest margin around the music in Verovio's units.")
    entry.run(main)
