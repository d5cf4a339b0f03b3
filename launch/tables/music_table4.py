r"""Fragment accuracy and average edit distance of readers of music, as Table 4 of the CRNN paper (Shi et al. 2015).

    python -m launch.tables.music_table4 --workdir=CRNN=runs/music [--artifact=NAME=DIR] [--data_dir=prepared] \
        [--clean=SPEC] [--synthesised=SPEC] [--real=SPEC] [--format=markdown|csv|latex] [--out=FILE]

The paper's pictures are not public. By default the clean ones are a tenth of PrIMuS and the synthesised ones a tenth of
Camera-PrIMuS, which a run must not have trained on (``--config.data.train=kept:0.1:tfds:...``):

    python -m launch.prepare --dataset=primus/semantic --source=DIR --data_dir=prepared

Readers of pitches alone, as ``launch/configs/music.py`` and the paper's, take rendered snippets:

    python -m launch.tables.music_table4 --workdir=CRNN=runs/music --clean=music:seed=2,count=260,clutter=0 \
        --synthesised=music:seed=2,count=200

The edit distance is in tokens.
"""

from collections.abc import Mapping, Sequence

from absl import flags

from launch.ablation.tables import Table
from launch.runs import entry
from launch.tables.measuring import Measured, measure
from launch.tables.options import define_reader_flags, print_pages, readers_from_flags
from launch.tables.prepared import PreparedSet, missing_source
from launch.tables.printing import Note, Page
from launch.tables.published import MUSIC_TABLE4, UNCONFIRMED, published_lines
from launch.tables.readers import Reader

PRIMUS = {"clean": "train", "synthesised": "distorted"}
"""Splits of PrIMuS, by column."""


def define_flags() -> None:
    """Defines the flags of this entry point."""
    define_reader_flags()
    for column, split in PRIMUS.items():
        flags.DEFINE_string(column, "", f"Samples of the column {column} (a tenth of primus/semantic, {split}).")
    flags.DEFINE_string("real", "", "Labelled photographs of scores, such as folder:PATH.")


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    del argv
    values = flags.FLAGS
    primus = PreparedSet("primus/semantic", values.data_dir)
    sources = {column: getattr(values, column) or f"held:0.1:{primus.spec(split)}" for column, split in PRIMUS.items()}
    sources["real"] = values.real
    readers = readers_from_flags()
    print_pages(page(readers, sources, values.data_dir, values.on_bad_sample, values.published))


def page(
    readers: Sequence[Reader], sources: Mapping[str, str], data_dir: str, on_bad_sample: str, published: str
) -> Page:
    """Measures the readers on the sources that are there, by column; an empty one is missing."""
    titles = ["reader", *sources]
    below = published_lines(titles, MUSIC_TABLE4, published)
    notes, there = [], {}
    for column, spec in sources.items():
        missing = missing_source(spec, data_dir) if spec else [Note(f"{column}: name samples with --{column}=SPEC")]
        there |= {} if missing else {column: spec}
        notes += [note for note in missing if note not in notes]
    rows = []
    for reader in readers:
        cells = {name: measure(reader, spec, spec, on_bad_sample) for name, spec in there.items()}
        notes += [note for cell in cells.values() for note in cell.notes]
        rows.append(
            [reader.name, *(Measured.text(cells.get(name), "{accuracy:.1f}%/{distance:.2f}") for name in sources)]
        )
    table = Table(titles, [*rows, *below], (-1, -1))
    return Page("Music: fragment accuracy/average edit distance", table, (*notes, Note(UNCONFIRMED)))


if __name__ == "__main__":
    define_flags()
    entry.run(main)
