"""What the builders of all sets share: features, reading, writing, and what becomes of malformed entries.

A set's module parses its files into entries and knows nothing of TFDS but the few attributes of its builder. Nothing
here needs TensorFlow: pictures stay encoded, and samples keep the order of the set (training draws its own).
"""

import abc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from tqdm import tqdm

from datasets.builders.entries import Entries, load
from datasets.builders.shards import write_shards
from datasets.sources import BadSampleError

SHOWN = 10
"""Malformed entries that are kept for messages; all of them are counted, and named in a file."""
SKIPPED = "skipped.tsv"
"""File in the prepared folder with an ``origin<TAB>reason`` line for each entry that was left out."""


class SetBuilder(tfds.core.GeneratorBasedBuilder, abc.ABC):
    """Prepares a set whose files were fetched by hand.

    Example:
      >>> builder = Svt(data_dir="prepared", file_format="array_record", on_bad_sample="skip")
      >>> builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir="svt1"))
      >>> builder.skipped
      0

    Attributes:
      description: what the set is.
      homepage: where it is found.
      citation: the paper to cite.
      skipped: how many malformed entries were left out.
      problems: the first few of them.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS: str
    """The files that have to be there."""

    code_path = None
    """Where TFDS looks for checksums of downloads; there are none (the search needs a package that may be absent)."""

    BROKEN = False
    """Whether the set is published with pictures that are known to be broken."""

    description: str
    homepage: str
    citation: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keeps the set out of TFDS's own registry, which has a ``cats_vs_dogs`` already."""
        super().__init_subclass__(skip_registration=True, **kwargs)

    def __init__(self, *, on_bad_sample: str = "raise", **kwargs: Any) -> None:
        """Takes what `tfds.core.GeneratorBasedBuilder` does, and what to do with malformed entries."""
        if on_bad_sample not in ("raise", "skip"):
            raise ValueError(f"on_bad_sample={on_bad_sample!r}: choose raise or skip")
        super().__init__(**kwargs)
        self._on_bad_sample = on_bad_sample
        self.skipped = 0
        self.problems: list[BadSampleError] = []

    @abc.abstractmethod
    def splits(self, source: Path) -> dict[str, Entries]:
        """The splits that a folder holds.

        Raises:
          FileNotFoundError: it holds none.
        """

    def extra_features(self) -> dict[str, Any]:
        """Features beside image, text and origin."""
        return {}

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), doc="The encoded file; decoded by who reads it."),
            "text": tfds.features.Text(doc="The label."),
            "origin": tfds.features.Text(doc="Where the set says so, below its folder."),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.description,
            features=tfds.features.FeaturesDict(features | self.extra_features()),
            homepage=self.homepage,
            citation=self.citation,
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator[tuple[int, Any]]]:
        source = Path(dl_manager.manual_dir)
        return {name: self._generate_examples(name, entries) for name, entries in self.splits(source).items()}

    def _generate_examples(self, name: str, entries: Entries) -> Iterator[tuple[int, dict[str, Any]]]:
        """Numbered examples of a split, with a progress bar.

        Raises:
          BadSampleError: a malformed entry, unless such are skipped.
          ValueError: there is no other.
        """
        used = 0
        total = sum(1 for _ in tqdm(entries(), f"{name}: counting", unit=" samples", disable=None, leave=False))
        for key, loaded in enumerate(tqdm(load(entries()), name, total, unit=" samples", disable=None)):
            if isinstance(loaded, BadSampleError):
                self._leave_out(loaded)
                continue
            used += 1
            entry = loaded.entry
            yield key, {"image": loaded.picture, "text": entry.text, "origin": entry.origin, **entry.extra}
        if not used:
            why = f" ({self.problems[0]})" if total else ""
            raise ValueError(f"split {name}: none of its {total} samples can be used{why}")

    def _leave_out(self, error: BadSampleError) -> None:
        if self._on_bad_sample == "raise":
            raise error
        self.skipped += 1
        if len(self.problems) < SHOWN:
            self.problems.append(error)
        with Path(self.data_dir, SKIPPED).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{error.origin}\t{error.reason}\n")

    def _download_and_prepare(self, dl_manager: tfds.download.DownloadManager, download_config: Any) -> None:
        """Writes all splits as they are read, with a writer that neither sorts nor needs TensorFlow."""
        features, written = self.info.features, []
        assert isinstance(features, tfds.features.FeaturesDict)
        for name, examples in self._split_generators(dl_manager).items():
            template = self._get_filename_template(name)
            written.append(write_shards((features.serialize_example(example) for _, example in examples), template))
        self.info.set_splits(tfds.core.SplitDict(written))
