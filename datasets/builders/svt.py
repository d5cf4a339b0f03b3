"""Street View Text: words on shop signs in upright boxes, with a lexicon of 50 words a picture (Wang et al. 2011)."""

import functools
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from datasets.builders.builder import SetBuilder
from datasets.builders.entries import Entries, locate, present
from datasets.builders.tagged_rectangles import parse_tagset

FILES = {"train": "train.xml", "test": "test.xml"}


class Svt(SetBuilder):
    """Builder of the splits train (257 words) and test (647), cut out of the pictures, with ``lexicon_50``."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = "Unpack svt.zip; source is the folder with train.xml and test.xml, or above it."
    description = "Words on shop signs in street views, each with a lexicon of 50 words."
    homepage = "http://vision.ucsd.edu/~kai/svt/"
    citation = "Wang, Babenko and Belongie: End-to-End Scene Text Recognition, ICCV 2011"

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns the splits whose XML file exists."""
        root = locate(source, ("svt1", "svt"), tuple(FILES.values()))
        return present(functools.partial(parse_tagset, lexicon=True), root, FILES)

    def extra_features(self) -> dict[str, Any]:
        """Feature ``lexicon_50``: lexicon of the picture, which contains the word."""
        return {"lexicon_50": tfds.features.Sequence(tfds.features.Text())}
