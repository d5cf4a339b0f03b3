"""Cats and dogs of the Kaggle contest (Elson et al. 2007), in Microsoft's layout or Kaggle's.

Microsoft's archive holds ``PetImages/Cat/0.jpg`` to ``PetImages/Dog/12499.jpg``, two of which, ``Cat/666.jpg`` and
``Dog/11702.jpg``, are not valid pictures. Kaggle's holds ``train/cat.0.jpg`` to ``train/dog.12499.jpg``.
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
        yield from (Entry(path, label, f"{folder}/{path.name}") for path in _pictures(root / folder, "*.jpg"))


def parse_names(root: Path) -> Iterator[Entry]:
    """Lists the pictures of Kaggle's folder, cats first, in the order of their numbers."""
    for label in FOLDERS.values():
        yield from (Entry(path, label, path.name) for path in _pictures(root, f"{label}.[0-9]*.jpg"))


def _pictures(folder: Path, pattern: str) -> list[Path]:
    found = (path for path in folder.glob(pattern) if not left_by_system(Path(path.name)))
    return sorted(found, key=lambda path: (len(path.name), path.name))


class CatsVsDogs(SetBuilder):
    """Builder of the split train; the label is ``cat`` or ``dog``."""

    BROKEN = True
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack kagglecatsanddogs_5340.zip; source is the folder with Cat and Dog, or above it. "
        "Or unpack Kaggle's train.zip; source is the folder train with cat.0.jpg, or above it."
    )
    description = "25,000 photographs of cats and dogs."
    homepage = "https://www.microsoft.com/en-us/download/details.aspx?id=54765"
    citation = "Elson et al.: Asirra: A CAPTCHA that Exploits Interest-Aligned Manual Image Categorization, CCS 2007"

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns the split train, the only one."""
        for place in (source, source / "train"):
            if next(parse_names(place), None):
                return {"train": functools.partial(parse_names, place)}
        return {"train": functools.partial(parse_folders, locate(source, ("PetImages",), tuple(FOLDERS)))}
