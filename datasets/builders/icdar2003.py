"""ICDAR 2003 robust reading: words of photographs, cropped or marked in whole scenes (Lucas et al. 2003).

The word recognition archives hold ``word.xml`` (``<image file="word/1/1.jpg" tag="self"/>``), the scene archives
``words.xml`` with upright boxes. The set keeps all words; the protocol that leaves out short words and words with
punctuation is applied in evaluation.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

from datasets.builders.builder import SetBuilder
from datasets.builders.entries import Entries, Entry
from datasets.builders.tagged_rectangles import load_xml, parse_tagset
from datasets.sources import BadSampleError

FOLDERS = {"train": ("TrialTrain", "SceneTrialTrain", "train"), "test": ("TrialTest", "SceneTrialTest", "test")}
WORDS, SCENES = ("word.xml", "word/word.xml"), ("words.xml",)


def parse_word_list(root: Path, file: str) -> Iterator[Entry | BadSampleError]:
    """Parses the cropped words of ``TrialTrain/word.xml``; its paths are relative to the folder of the split.

    Raises:
      ValueError: the file is not well-formed XML.
    """
    for number, image in enumerate(load_xml(root, file).iter("image"), 1):
        path, text = image.get("file"), image.get("tag")
        if path and text is not None:
            yield Entry(root / Path(file).parts[0] / path, text, f"{file}: image {number} ({path})")
        else:
            yield BadSampleError(f"{file}: image {number}", "expected an image element with attributes file and tag")


def find_split(source: Path, folders: tuple[str, ...]) -> Entries | None:
    """Finds the words of one split, preferring cropped words to scenes; None if neither exists."""
    for parse, files in ((parse_word_list, WORDS), (parse_tagset, SCENES)):
        for folder in folders:
            for file in files:
                if (source / folder / file).is_file():
                    return functools.partial(parse, source, f"{folder}/{file}")
    return None


class Icdar2003(SetBuilder):
    """Builder of the splits train and test; boxes are cut out of scenes."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack the training and test archives of words (word.xml) or scenes (words.xml) into TrialTrain and "
        "TrialTest, or SceneTrialTrain and SceneTrialTest; source is the folder above them."
    )
    description = "Words of photographs of signs, covers and labels."
    homepage = "http://www.iapr-tc11.org/mediawiki/index.php/ICDAR_2003_Robust_Reading_Competitions"
    citation = "Lucas et al.: ICDAR 2003 Robust Reading Competitions, ICDAR 2003"

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns the splits whose folder exists."""
        found = {split: find_split(source, folders) for split, folders in FOLDERS.items()}
        there = {split: entries for split, entries in found.items() if entries}
        if not there:
            names = ", ".join(name for folders in FOLDERS.values() for name in folders)
            raise FileNotFoundError(f"found none of {names} with word.xml or words.xml in {source}")
        return there
