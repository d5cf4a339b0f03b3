"""Synth90k, also called MJSynth: 8.9 million rendered words of a lexicon of 90,000 (Jaderberg et al. 2014).

The archive unpacks to ``mnt/ramdisk/max/90kDICT32px`` with ``annotation_train.txt``, ``annotation_val.txt`` and
``annotation_test.txt``, whose lines are such as ``./2425/1/115_Lube_45484.jpg 45484``: the file name holds the word as
rendered, the number is its line in ``lexicon.txt``. A few pictures of the archive are known to be broken.
"""

from collections.abc import Iterator
from pathlib import Path

from datasets.builders.builder import SetBuilder
from datasets.builders.entries import Entries, Entry, locate, present
from datasets.builders.label_lines import load_lines
from datasets.sources import BadSampleError

FILES = {"train": "annotation_train.txt", "validation": "annotation_val.txt", "test": "annotation_test.txt"}
FOLDERS = ("90kDICT32px", "mnt/ramdisk/max/90kDICT32px")


def parse_annotations(root: Path, file: str) -> Iterator[Entry | BadSampleError]:
    """Parses the words of an annotation file, one line at a time."""
    for line in load_lines(root, file):
        if isinstance(line, BadSampleError):
            yield line
            continue
        path = line.text.rpartition(" ")[0]
        word = path.rpartition("/")[2].split("_")
        if len(word) == 3:
            yield Entry(root / path, word[1], f"{line.place} ({path})")
        else:
            yield BadSampleError(line.place, f"found {line.text!r}; expected FOLDER/NUMBER_WORD_NUMBER.jpg NUMBER")


class Synth90k(SetBuilder):
    """Builder of the splits train, validation and test."""

    BROKEN = True
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Unpack mjsynth.tar.gz; source is the folder with annotation_train.txt, or above it."
    description = "8.9 million rendered words, 32 pixels high, of a lexicon of 90,000."
    homepage = "https://www.robots.ox.ac.uk/~vgg/data/text/"
    citation = (
        "Jaderberg et al.: Synthetic Data and Artificial Neural Networks for Natural Scene Text Recognition, 2014"
    )

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns the splits whose annotation file exists."""
        return present(parse_annotations, locate(source, FOLDERS, tuple(FILES.values())), FILES)
