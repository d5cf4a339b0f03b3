"""Prepared sets that tables are measured on, and remarks on those that are missing."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import tensorflow_datasets as tfds

from datasets.builders.prepare import make_builder
from datasets.specs import open_source
from datasets.tfds_source import find_prepared
from launch.tables.printing import Note


class PreparedSet(NamedTuple):
    """A set that ``launch.prepare`` writes, which may or may not be there.

    Example:
      >>> PreparedSet("iiit5k", "prepared").spec("test")
      'tfds:prepared/iiit5k:test'
    """

    dataset: str
    """Name, or name and configuration: ``ccpd/box``."""
    data_dir: str
    """Folder above all prepared sets."""

    def spec(self, split: str) -> str:
        """Name of a split as a source of samples."""
        return f"tfds:{Path(self.data_dir, self.dataset)}:{split}"

    def sizes(self) -> dict[str, int] | None:
        """Number of samples by split; None if the set is missing.

        Raises:
          ValueError: the folder holds several versions of the set.
        """
        try:
            folder = find_prepared(Path(self.data_dir, self.dataset))
        except FileNotFoundError:
            return None
        return {name: split.num_examples for name, split in tfds.builder_from_directory(folder).info.splits.items()}

    def notes(self, wanted: Sequence[str]) -> list[Note]:
        """Remarks on the set, or on those of the wanted splits, that are missing or empty."""
        sizes = self.sizes()
        if sizes is None:
            return [self._missing()]
        missing = [split for split in wanted if split not in sizes]
        empty = [split for split in wanted if sizes.get(split) == 0]
        found = ((missing, "has no"), (empty, "holds no samples in"))
        return [
            Note(f"{self.dataset} {says} {'splits' if len(names) > 1 else 'split'} {', '.join(names)}")
            for names, says in found
            if names
        ]

    def _missing(self) -> Note:
        how = make_builder(self.dataset, self.data_dir, None).MANUAL_DOWNLOAD_INSTRUCTIONS
        command = (
            f"python -m launch.prepare --dataset={self.dataset} --source=DIR --data_dir={shlex.quote(self.data_dir)}"
        )
        return Note(f"{self.dataset} is not in {self.data_dir}. {how} Prepare it", command)


def missing_source(spec: str, data_dir: str) -> list[Note]:
    """Remarks on a source of samples that does not exist or is empty; none if it is there.

    Args:
      spec: source of samples; a prepared set as ``tfds:DATA_DIR/NAME:SPLIT``, also in ``held:SHARE:``.
      data_dir: folder above all prepared sets.

    Raises:
      ValueError: not a source, or a damaged one.
    """
    _, found, place = spec.partition(f"tfds:{data_dir.rstrip('/')}/")
    if found:
        dataset, _, split = place.partition(":")
        return PreparedSet(dataset, data_dir).notes([split.partition("[")[0]])
    try:
        open_source(spec)
    except FileNotFoundError as error:
        return [Note(str(error))]
    return []
