r"""Table 1 of the price tag paper (Acta Automatica Sinica 48(2), 2022): backbones and decoders, as single tasks.

    python -m launch.tables.price_table1 --workdir=runs/price_table1 [--published=FILE] \
        [--format=markdown|csv|latex] [--out=FILE]

Takes the results of the study, of all its runs that have finished (`launch.studies.price_table1`):

    python -m launch.ablate --study=price_table1 --workdir=runs/price_table1 \
        --config.data.train=tfds:prepared/price_tags:train --config.data.validation=tfds:prepared/price_tags:test

The paper's pictures are not public. ``--workdir=NAME=DIR``, several times, compares several such folders.
"""

from collections.abc import Sequence

from launch.runs import entry
from launch.tables.options import define_study_flags, print_study
from launch.tables.published import PRICE_PAPER


def define_flags() -> None:
    """Defines the flags of this entry point."""
    define_study_flags()


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    del argv
    print_study("Price tags: backbones and decoders", "price_table1", f"{PRICE_PAPER}, Table 1")


if __name__ == "__main__":
    define_flags()
    entry.run(main)
