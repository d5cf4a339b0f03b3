"""ICDAR 2003 robust reading: words of photographs, cropped already or marked in whole scenes (Lucas et al. 2003).

The word recognition archives hold ``word.xml`` (``<image file="word/1/1.jpg" tag="self"/>``), the scene archives
``words.xml`` with upright boxes. The protocol that leaves out short words and those with punctuation is the
evaluation's, not the set's.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

from datasets.builders.builder import SetBuilder
from datasets.builders.entries import Entries, Entry
from datasets.builders.tagged_rectangles import parse_tagset, read_xml
from datasets.sources import BadSampleError

FOLDERS = {"train": ("TrialTrain", "SceneTrialTrain", "train"), "test": ("TrialTest", "SceneTrialTest", "test")}
WORDS, SCENES = ("word.xml", "word/word.xml"), ("words.xml",)


def parse_word_list(root: Path, file: str) -> Iterator[Entry | BadSampleError]:
    """The cropped words of ``TrialTrain/word.xml``; paths in it start at the folder of the split.

    Raises:
      ValueError: the file is not well formed.
    """
    for number, image in enumerate(read_xml(root, file).iter("image"), 1):
        path, text = image.get("file"), image.get("tag")
        if path and text is not None:
            yield Entry(root / Path(file).parts[0] / path, text, f"{file}: image {number} ({path})")
        else:
            yield BadSampleError(f"{file}: image {number}", "an image needs the attributes file and tag")


def find_split(source: Path, folders: tuple[str, ...]) -> Entries | None:
    """The words of one split, cropped ones before scenes; None where there are none."""
    for parse, files in ((parse_word_list, WORDS), (parse_tagset, SCENES)):
        for folder in folders:
            for file in files:
                if (source / folder / file).is_file():
                    return functools.partial(parse, source, f"{folder}/{file}")
    return None


class Icdar2003(SetBuilder):
    """Splits train and test; boxes are cut out of scenes."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack the training and test archives of words (word.xml) or scenes (words.xml) into TrialTrain and "
        "TrialTest, or SceneTrialTrain and SceneTrialTest; source is the folder above them."
    )
    description = "Words of photographs of signs, covers and labels."
    homepage = "http://www.iapr-tc11.org/mediawiki/index.php/ICDAR_2003_Robust_Reading_Competitions"
    citation = "Lucas et al.: ICDAR 2003 Robust Reading Competitions, ICDAR 2003"

    def splits(self, source: Path) -> dict[str, Entries]:
        """Those whose folder is there."""
        found = {split: find_split(source, folders) for split, folders in FOLDERS.items()}
        there = {split: entries for split, entries in found.items() if entries}
        if not there:
            names = ", ".join(name for folders in FOLDERS.values() for name in folders)
            raise FileNotFoundError(f"{source} holds none of {names} with word.xml or words.xml in it")
        return there
