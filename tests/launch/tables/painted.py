"""Prepared sets and folders of painted plates, and the artifact that reads them (`tests.painted_plates`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import tensorflow_datasets as tfds
from etils import epath

from datasets.builders.prepare import make_builder
from datasets.builders.shards import write_shard, write_shards
from recog.export.write import Provenance, write_artifact
from tests.painted_plates import READER, STEP, GreenReader


class Word(NamedTuple):
    """A sample of a prepared set."""

    painted: str
    """Three digits that the reader reads in the picture."""
    text: str
    """The label."""
    lexicons: Mapping[str, Sequence[str]] = {}
    """Lexicons by the name of their feature."""


def picture(painted: str) -> bytes:
    """A plate of 16x48 pixels as PNG."""
    pixels = np.zeros((16, 48, 3), np.uint8)
    for place, digit in enumerate(painted):
        pixels[:, 16 * place : 16 * (place + 1), 1] = STEP * int(digit)
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()


def write_reader(folder: Path) -> Path:
    """Exports the reader; returns its folder."""
    write_artifact(folder, GreenReader(), {}, Provenance({}, {}, READER, "none", "none", 0, {}))
    return folder


def write_prepared(data_dir: Path, dataset: str, splits: Mapping[str, Sequence[Word]]) -> None:
    """Writes a set where ``launch.prepare`` does, in its format; splits may be empty."""
    lexicons = {name for words in splits.values() for word in words for name in word.lexicons}
    strings = tfds.features.Text()
    features = tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=(None, None, 3)), "text": strings, "origin": strings}
        | {name: tfds.features.Sequence(strings) for name in lexicons}
    )
    folder = Path(make_builder(dataset, data_dir, None).data_dir)
    folder.mkdir(parents=True)
    written = []
    for split, words in splits.items():
        template = tfds.core.ShardedFileTemplate(
            data_dir=epath.Path(folder), dataset_name="set", split=split, filetype_suffix="array_record"
        )
        examples = [
            {"image": picture(word.painted), "text": word.text, "origin": f"{split} {word.text}", **word.lexicons}
            for word in words
        ]
        records = map(features.serialize_example, examples)
        written.append(write_shards(records, template) if examples else _empty(split, template))
    tfds.folder_dataset.write_metadata(
        data_dir=folder, features=features, split_infos=written, filename_template=None, check_data=False
    )


def _empty(split: str, template: tfds.core.ShardedFileTemplate) -> tfds.core.SplitInfo:
    """Writes a split of one shard without records."""
    write_shard(Path(template.sharded_filepath(shard_index=0, num_shards=1)), iter(()))
    return tfds.core.SplitInfo(name=split, shard_lengths=[0], num_bytes=0, filename_template=template)


def write_folder(folder: Path, *words: tuple[str, str]) -> str:
    """Writes pictures of painted digits with labels; returns the name of the source."""
    folder.mkdir()
    for number, (painted, _) in enumerate(words):
        (folder / f"{number}.png").write_bytes(picture(painted))
    labels = "".join(f"{number}.png\t{text}\n" for number, (_, text) in enumerate(words))
    (folder / "labels.tsv").write_text(labels, encoding="utf-8")
    return f"folder:{folder}"
