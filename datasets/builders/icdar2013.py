r"""ICDAR 2013 focused scene text, task 2.3: cropped words (Karatzas et al. 2013).

Labels are lines such as ``word_1.png, "PROPER"``, with ``\"`` and ``\\`` within the quotes. The labels of the training
words are beside the pictures in ``gt.txt``, those of the test words in a separate file.
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from datasets.builders.builder import SetBuilder
from datasets.builders.entries import Entries, Entry
from datasets.builders.label_lines import load_lines
from datasets.sources import BadSampleError

FILES = {
    "train": (("Challenge2_Training_Task3_Images_GT", "Challenge2_Training_Task3_Images_GT/gt.txt"),),
    "test": (
        ("Challenge2_Test_Task3_Images", "Challenge2_Test_Task3_GT.txt"),
        ("Challenge2_Test_Task3_Images", "Challenge2_Test_Task3_Images/gt.txt"),
    ),
}
"""Folder of the pictures and label file, by split; the first pair whose label file exists is used."""

_LINE = re.compile(r'([^,]+),\s*"(.*)"\s*')
_ESCAPE = re.compile(r'\\(["\\])')


def parse_ground_truth(root: Path, pictures: str, file: str) -> Iterator[Entry | BadSampleError]:
    """Parses the words of a label file.

    Args:
      root: folder of the set.
      pictures: folder of the pictures, relative to ``root``.
      file: the label file, relative to ``root``.
    """
    for line in load_lines(root, file):
        if isinstance(line, BadSampleError):
            yield line
        elif found := _LINE.fullmatch(line.text):
            path, text = found[1].strip(), _ESCAPE.sub(r"\1", found[2])
            yield Entry(root / pictures / path, text, f"{line.place} ({path})")
        else:
            yield BadSampleError(line.place, f'found {line.text!r}; expected FILE, "TEXT"')


class Icdar2013(SetBuilder):
    """Builder of the splits train (848 words) and test (1,095)."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack Challenge2_Training_Task3_Images_GT.zip and Challenge2_Test_Task3_Images.zip, each into a folder of "
        "its name, and put Challenge2_Test_Task3_GT.txt beside them; source is the folder above."
    )
    description = "Cropped words of photographs that were taken to show them."
    homepage = "https://rrc.cvc.uab.es/?ch=2"
    citation = "Karatzas et al.: ICDAR 2013 Robust Reading Competition, ICDAR 2013"

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns the splits whose label file exists."""
        found = {
            split: functools.partial(parse_ground_truth, source, pictures, file)
            for split, places in FILES.items()
            for pictures, file in reversed(places)  # a later item replaces an earlier one: the first place wins
            if (source / file).is_file()
        }
        if not found:
            names = " or ".join(file for places in FILES.values() for _, file in places)
            raise FileNotFoundError(f"found no label file in {source}; expected {names}")
        return found
