"""Sets written by `launch.prepare`, or by TFDS as ArrayRecord with image and text; loaded without TensorFlow.

The labels of a set with the feature ``boxes`` (`recog.codecs.boxes_to_json`) are box labels, those of others texts.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from google.protobuf.message import DecodeError
from tensorflow_datasets.proto import tf_example_pb2

from datasets.sources import BadSampleError, Sample
from recog.codecs import boxes_from_json

INFO = "dataset_info.json"
"""File by which a prepared folder is recognised."""
IDENTITY = "rendering.json"
"""File in the folder of stored renderings that says what is rendered into it."""
BOXES = "boxes"
"""Feature that holds box labels as JSON."""

_EXAMPLE: Any = tf_example_pb2.Example  # pyright: ignore[reportAttributeAccessIssue]  # protobuf makes it when imported


class Tfds:
    """Random access to one split of a prepared set.

    Example:
      >>> source = Tfds("prepared/svt", "test")
      >>> image, text, origin = source[0]  # the encoded picture
      >>> source.words(0, "lexicon_50")
      ['MAIN', 'STREET', ...]

    Args:
      name_or_dir: folder of the set, or a folder above it that holds a single version and configuration, such as
        ``prepared/ccpd/box``; or its name in ``$TFDS_DATA_DIR``, by default ``~/tensorflow_datasets``.
      split: a split or, as in TFDS, a part of one: ``train[:90%]``.

    Raises:
      FileNotFoundError: the set or some of its files do not exist.
      ValueError: several sets are found, the split does not exist, the set has no features image and text, or its file
        format is not ArrayRecord.
    """

    def __init__(self, name_or_dir: str | Path, split: str):
        self.folder = find_prepared(name_or_dir)
        self.split = split
        self.rendered = (self.folder / IDENTITY).is_file()
        """Whether the samples are renderings (`datasets.sources.Stored`)."""
        builder = tfds.builder_from_directory(self.folder)
        self._holds_boxes = isinstance(_check(self.folder, builder.info).get(BOXES), tfds.features.Text)
        try:
            open_split: Any = builder.as_data_source  # TFDS's decorator hides the first parameter from type checkers
            self._records = open_split(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
            files = [Path(path) for path in builder.info.splits[split].filepaths]
        except (ValueError, KeyError) as error:
            there = ", ".join(builder.info.splits)
            raise ValueError(f"{self.folder} has no split {split!r}; expected one of {there}") from error
        if missing := [str(file) for file in files if not file.is_file()]:
            raise FileNotFoundError(f"missing {', '.join(missing)}: prepare the set anew")

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Sample:
        values = self._load(index)
        image, said = (b"".join(values.get(name, ())) for name in ("image", "origin"))
        label = b"".join(values.get(BOXES if self._holds_boxes else "text", ()))
        try:
            parsed = boxes_from_json(label) if self._holds_boxes else label.decode()
            return Sample(image, parsed, f"{self.origin(index)} {said.decode()}".rstrip())
        except UnicodeDecodeError as error:
            raise BadSampleError(self.origin(index), f"{error.object!r} is not UTF-8: prepare the set anew") from error
        except ValueError as error:
            raise BadSampleError(self.origin(index), f"feature {BOXES}: {error}: prepare the set anew") from error

    def origin(self, index: int) -> str:
        """Folder, split and index; a loaded sample adds the origin that the set itself holds."""
        return f"{self.folder} {self.split}[{index}]"

    def key(self, index: int) -> bytes:
        """Split and index in UTF-8, which stay the same until the set is prepared anew."""
        return f"{self.split}[{index}]".encode()

    def words(self, index: int, feature: str) -> list[str]:
        """Lexicon of a sample.

        Args:
          index: index of the sample.
          feature: feature of the set that holds the lexicon, ``lexicon_50`` or ``lexicon_1k``.

        Raises:
          ValueError: the set does not have this feature.
        """
        values = self._load(index)
        if feature not in values:
            raise ValueError(f"{self.folder} has no feature {feature!r}; expected one of {', '.join(sorted(values))}")
        return [word.decode() for word in values[feature]]

    def _load(self, index: int) -> Mapping[str, Sequence[bytes]]:
        """Loads a record as byte strings by feature; TFDS's own parser takes ten times as long."""
        index = range(len(self))[index]
        try:
            record = self._records[index]
            features = _EXAMPLE.FromString(record).features.feature if record else {}
        except (ValueError, RuntimeError, IndexError, DecodeError) as error:
            raise BadSampleError(self.origin(index), f"the record cannot be read: {error}") from error
        if not features:
            raise BadSampleError(self.origin(index), "the record cannot be read: the file is truncated")
        return {name: feature.bytes_list.value for name, feature in features.items()}


def boxes_feature() -> tfds.features.Text:
    """Feature of a set whose labels are box labels."""
    return tfds.features.Text(doc="JSON: a list of boxes with name of the class, text and corners.")


def find_prepared(name_or_dir: str | Path) -> Path:
    """Folder of a prepared set; see `Tfds` for the argument.

    Raises:
      FileNotFoundError: no set is found.
      ValueError: several sets are found.
    """
    home = os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")
    places = [Path(name_or_dir).expanduser(), Path(home).expanduser() / name_or_dir]
    for place in places:
        found = sorted(path.parent for pattern in ("", "*/", "*/*/") for path in place.glob(pattern + INFO))
        if len(found) > 1:
            raise ValueError(f"{place} holds several sets: choose one of {', '.join(map(str, found))}")
        if found:
            return found[0]
    raise FileNotFoundError(f"found no prepared set (a folder with {INFO}) in {' or '.join(map(str, places))}")


def _check(folder: Path, info: tfds.core.DatasetInfo) -> Mapping[str, Any]:
    """Features of a set; raises ``ValueError`` unless it allows random access and has an image and a text."""
    if info.file_format != tfds.core.FileFormat.ARRAY_RECORD:
        raise ValueError(f"{folder} does not have the file format array_record: prepare it anew")
    features = dict(info.features.items()) if isinstance(info.features, tfds.features.FeaturesDict) else {}
    wanted = {"image": tfds.features.Image, "text": tfds.features.Text}
    if not all(name in features and isinstance(features[name], kind) for name, kind in wanted.items()):
        raise ValueError(f"{folder}: expected the features image (Image) and text (Text), found {info.features}")
    return features
