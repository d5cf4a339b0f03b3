"""Price tags, or any cropped prices: pictures in a folder and a list of labels.

``train.txt``, ``validation.txt`` and ``test.txt``, or ``labels.txt`` alone, hold a picture's path below the folder, a
tab or spaces, and the price, ``images/0007.jpg 12.90``: digits and at most one decimal point.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from datasets.builders.builder import SetBuilder
from datasets.builders.entries import Entries, Entry, locate, present
from datasets.builders.label_lines import load_lines
from datasets.sources import BadSampleError

FILES = {"train": "train.txt", "validation": "validation.txt", "test": "test.txt"}
ALONE = {"train": "labels.txt"}

_LINE = re.compile(r"(\S.*?)\s+(\S+)\s*")
_PRICE = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)


def parse_prices(root: Path, file: str) -> Iterator[Entry | BadSampleError]:
    """Parses the prices of a label list."""
    for line in load_lines(root, file):
        if isinstance(line, BadSampleError):
            yield line
        elif not (found := _LINE.fullmatch(line.text)):
            yield BadSampleError(line.place, f"found {line.text!r}; expected PATH PRICE")
        elif not _PRICE.fullmatch(found[2]):
            reason = f"{found[2]!r} is not a price; expected digits and at most one decimal point"
            yield BadSampleError(f"{line.place} ({found[1]})", reason)
        else:
            yield Entry(root / found[1], found[2], f"{line.place} ({found[1]})")


class PriceTags(SetBuilder):
    """Builder of the splits whose label list exists."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = "Source is the folder with the pictures and train.txt, or labels.txt alone."
    description = "Pictures of prices."
    homepage = "https://doi.org/10.16383/j.aas.c190633"
    citation = (
        "Towards Accurate Price Tag Recognition Algorithm with Multi-Task RNN, Acta Automatica Sinica 48(2), 2022"
    )

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns one split for each label list: `FILES`, or `ALONE` if none of them exists."""
        locate(source, (), (*FILES.values(), *ALONE.values()))
        return present(parse_prices, source, FILES) or present(parse_prices, source, ALONE)
