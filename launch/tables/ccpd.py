r"""Accuracy by split of CCPD, of plates rectified by their corners and as they were found, beside published figures.

    python -m launch.tables.ccpd --workdir=LPRNet=runs/lprnet --workdir=graphic=runs/lprnet_graphic \
        [--artifact=NAME=DIR] [--data_dir=prepared] [--splits=base,db] [--format=markdown|csv|latex] [--out=FILE]

The sets are those of ``launch.prepare``, each as far as it is there:

    python -m launch.prepare --dataset=ccpd/rectified --source=DIR --data_dir=prepared
    python -m launch.prepare --dataset=ccpd/box --source=DIR --data_dir=prepared

Layout of Tables 2 and 5 of "Research on license plate recognition based on graphically supervised signal-assisted
training" (PeerJ Computer Science cs-2989) and of Table 3 of the price tag paper (Acta Automatica Sinica 48(2), 2022).
Accuracies in per cent: plates of which every character is right.
"""

from collections.abc import Sequence

from absl import flags

from launch.ablation.tables import Table
from launch.runs import entry
from launch.tables.measuring import Measured, measure
from launch.tables.options import define_reader_flags, print_pages, readers_from_flags
from launch.tables.prepared import PreparedSet
from launch.tables.printing import Note, Page
from launch.tables.published import CCPD, CCPD_NOTES, UNCONFIRMED, published_lines
from launch.tables.readers import Reader

FORMS = {"ccpd/rectified": "rectified", "ccpd/box": "not rectified"}
"""Prepared sets, and the words for their plates."""
SPLITS = ("base", "db", "blur", "fn", "rotate", "tilt", "weather", "challenge", "test", "green_test")
"""Splits that are not for training; ``test`` is all test pictures of the release of 2019 together."""
TRAINING = ("train", "green_train", "green_validation")


def define_flags() -> None:
    """Defines the flags of this entry point."""
    define_reader_flags()
    flags.DEFINE_list("splits", list(SPLITS), f"Splits to measure, also {', '.join(TRAINING)}.")


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    del argv
    values = flags.FLAGS
    splits = [*dict.fromkeys(values.splits)]
    if not splits:
        raise ValueError(f"--splits names no split; expected some of {', '.join((*SPLITS, *TRAINING))}")
    if unknown := [split for split in splits if split not in (*SPLITS, *TRAINING)]:
        raise ValueError(f"--splits: unknown split {unknown[0]!r}; expected some of {', '.join((*SPLITS, *TRAINING))}")
    readers = readers_from_flags()
    print_pages(page(readers, splits, values.data_dir, values.on_bad_sample, values.published))


def page(readers: Sequence[Reader], splits: Sequence[str], data_dir: str, on_bad_sample: str, published: str) -> Page:
    """Measures the readers on the splits that are there."""
    titles = ["reader", "plates", *splits]
    below = published_lines(titles, CCPD, published)
    rows, notes = [], []
    for dataset, form in FORMS.items():
        prepared = PreparedSet(dataset, data_dir)
        notes += prepared.notes(splits)
        sizes = prepared.sizes() or {}
        for reader in readers if any(sizes.get(split) for split in splits) else ():
            cells = [_cell(reader, prepared, split, on_bad_sample) if sizes.get(split) else None for split in splits]
            notes += [note for cell in cells if cell for note in cell.notes]
            rows.append([reader.name, form, *(Measured.text(cell, "{accuracy:.2f}") for cell in cells)])
    table = Table(titles, [*rows, *below], (-1, -1))
    return Page("CCPD: accuracy in per cent by split", table, (*notes, *CCPD_NOTES, Note(UNCONFIRMED)))


def _cell(reader: Reader, prepared: PreparedSet, split: str, on_bad_sample: str) -> Measured:
    return measure(reader, prepared.spec(split), f"{prepared.dataset} {split}", on_bad_sample)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
