r"""Accuracy of readers of words with and without lexicons, as Table 2 of the CRNN paper (Shi, Bai and Yao 2015).

    python -m launch.tables.crnn_table2 --workdir=CRNN=runs/crnn [--artifact=NAME=DIR] [--data_dir=prepared] \
        [--lexicon_50k=words.txt] [--format=markdown|csv|latex] [--out=FILE]

The sets are the test splits of ``iiit5k``, ``svt``, ``icdar2003`` and ``icdar2013``, each as far as it is there:

    python -m launch.prepare --dataset=iiit5k --source=DIR --data_dir=prepared

The paper's protocol: words with other characters than letters and digits are left out, of ICDAR 2003 also those of less
than three characters. The lexicons ``50`` and ``1k`` of IIIT5k and SVT are those of the sets. ICDAR 2003 has none of
its own: ``full`` holds all words of the test split, ``50`` each word and 49 others of these at random, always the same,
where the paper takes the lists of Wang et al. (2011); ``50k`` is a file, one word per line (the paper's: Hunspell's
dictionary). Readers that ignore case, as ``launch/configs/crnn.py``, compare as in the paper. Lexicons are searched
exactly, not approximately.
"""

from collections.abc import Sequence

from absl import flags

from launch.runs import entry
from launch.tables.options import define_reader_flags, print_pages, readers_from_flags
from launch.tables.words import word_page


def define_flags() -> None:
    """Defines the flags of this entry point."""
    define_reader_flags()
    flags.DEFINE_string("lexicon_50k", "", "Text file with the words of the lexicon 50k, one per line.")


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    del argv
    values = flags.FLAGS
    readers = readers_from_flags()
    print_pages(word_page(readers, values.data_dir, values.lexicon_50k, values.on_bad_sample, values.published))


if __name__ == "__main__":
    define_flags()
    entry.run(main)
