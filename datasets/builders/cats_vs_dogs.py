"""Cats and dogs of the Kaggle contest: ``PetImages/Cat/0.jpg`` to ``PetImages/Dog/12499.jpg`` (Elson et al. 2007).

Two files of the archive, ``Cat/666.jpg`` and ``Dog/11702.jpg``, are not valid pictures.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

from datasets.builders.builder import SetBuilder
from datasets.builders.entries import Entries, Entry, locate
from recog.folders import left_by_system

FOLDERS = {"Cat": "cat", "Dog": "dog"}
"""Label by folder."""


def parse_folders(root: Path) -> Iterator[Entry]:
    """Lists the pictures of both folders in the order of their numbers."""
    for folder, label in FOLDERS.items():
        found = (path for path in (root / folder).glob("*.jpg") if not left_by_system(Path(path.name)))
        paths = sorted(found, key=lambda path: (len(path.name), path.name))
        yield from (Entry(path, label, f"{folder}/{path.name}") for path in paths)


class CatsVsDogs(SetBuilder):
    """Builder of the split train; the label is ``cat`` or ``dog``."""

    BROKEN = True
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack kagglecatsanddogs_5340.zip; source is the folder with Cat and Dog, or above it."
    )
    description = "25,000 photographs of cats and dogs."
    homepage = "https://www.microsoft.com/en-us/download/details.aspx?id=54765"
    citation = "Elson et al.: Asirra: A CAPTCHA that Exploits Interest-Aligned Manual Image Categorization, CCS 2007"

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns the split train, the only one."""
        return {"train": functools.partial(parse_folders, locate(source, ("PetImages",), tuple(FOLDERS)))}
