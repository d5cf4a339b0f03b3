"""IIIT5K-Words: 5,000 cropped words of signs, each with lexicons of 50 and 1,000 words (Mishra et al. 2012).

``traindata.mat`` and ``testdata.mat`` hold a structure array with ``ImgName`` (``test/1002_1.png``), ``GroundTruth``,
``smallLexi`` and ``mediumLexi``.
"""

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import tensorflow_datasets as tfds
from scipy.io.matlab import MatReadError

from datasets.builders.builder import SetBuilder
from datasets.builders.entries import Entries, Entry, locate, present
from datasets.sources import BadSampleError

FILES = {"train": "traindata.mat", "test": "testdata.mat"}


def parse_mat(root: Path, file: str) -> Iterator[Entry | BadSampleError]:
    """Parses the words of ``traindata.mat`` or ``testdata.mat``.

    Raises:
      ValueError: the file is not a MATLAB file, or not one of this set.
    """
    name = file.removesuffix(".mat")
    content = io.BytesIO((root / file).read_bytes())
    try:
        records = scipy.io.loadmat(content, chars_as_strings=True)[name].ravel()
    except (MatReadError, ValueError, LookupError, TypeError, NotImplementedError, OSError, zlib.error) as error:
        raise ValueError(f"{root / file} is not a MATLAB file with {name}: download it again ({error})") from error
    for number, record in enumerate(records, 1):
        place = f"{file}:{number}"
        try:
            path, text = _text(record["ImgName"]), _text(record["GroundTruth"])
            extra = {"lexicon_50": _words(record["smallLexi"]), "lexicon_1k": _words(record["mediumLexi"])}
            yield Entry(root / path, text, f"{place} ({path})", extra=extra)
        except (ValueError, IndexError) as error:
            reason = f"expected a record with ImgName, GroundTruth, smallLexi and mediumLexi: {error}"
            yield BadSampleError(place, reason)


def _text(value: np.ndarray) -> str:
    """Converts a MATLAB string, which SciPy loads as an array of one element."""
    return str(value.item())


def _words(cells: np.ndarray) -> list[str]:
    """Converts a MATLAB cell array of strings."""
    return [_text(cell) for cell in cells.ravel()]


class Iiit5k(SetBuilder):
    """Builder of the splits train (2,000) and test (3,000), with the features ``lexicon_50`` and ``lexicon_1k``."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack IIIT5K-Word_V3.0.tar.gz; source is the folder with traindata.mat, or above it."
    )
    description = "5,000 cropped words of signs and posters, each with lexicons of 50 and 1,000 words."
    homepage = "https://cvit.iiit.ac.in/research/projects/cvit-projects/the-iiit-5k-word-dataset"
    citation = "Mishra, Alahari and Jawahar: Scene Text Recognition using Higher Order Language Priors, BMVC 2012"

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns the splits whose .mat file exists."""
        return present(parse_mat, locate(source, ("IIIT5K",), tuple(FILES.values())), FILES)

    def extra_features(self) -> dict[str, Any]:
        """Features ``lexicon_50`` and ``lexicon_1k``: lexicons, both of which contain the word."""
        words = tfds.features.Text()
        return {"lexicon_50": tfds.features.Sequence(words), "lexicon_1k": tfds.features.Sequence(words)}
