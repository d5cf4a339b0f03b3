"""Base class of the builders of all sets: features, loading, writing, and the treatment of malformed entries.

A set's module parses its files into entries and knows nothing of TFDS but the few attributes of its builder. Nothing
here needs TensorFlow: pictures stay encoded, and samples keep the order of the set (training shuffles them).
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
"""Maximum number of malformed entries kept for messages; all are counted, and listed in `SKIPPED`."""
SKIPPED = "skipped.tsv"
"""File in the prepared folder with a line ``origin<TAB>reason`` for each skipped entry."""


class SetBuilder(tfds.core.GeneratorBasedBuilder, abc.ABC):
    """Prepares a set whose files were downloaded by hand.

    Example:
      >>> builder = Svt(data_dir="prepared", file_format="array_record", on_bad_sample="skip")
      >>> builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir="svt1"))
      >>> builder.skipped
      0

    Attributes:
      description: one sentence about the set.
      homepage: address of the set's page.
      citation: the paper to cite.
      skipped: number of malformed entries that were skipped.
      problems: the first `SHOWN` of them.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS: str
    """Instructions for people: files to unpack, and the folder to give as source."""

    code_path = None
    """Folder in which TFDS searches checksums of downloads; None, because that needs a package that may be absent."""

    BROKEN = False
    """Whether the published set is known to contain broken pictures."""

    description: str
    homepage: str
    citation: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keeps the builder out of TFDS's own registry, which already has a ``cats_vs_dogs``."""
        super().__init_subclass__(skip_registration=True, **kwargs)

    def __init__(self, *, on_bad_sample: str = "raise", **kwargs: Any) -> None:
        """Initializes the builder.

        Args:
          on_bad_sample: ``raise`` or ``skip``, the treatment of malformed entries.
          **kwargs: arguments of `tfds.core.GeneratorBasedBuilder`.

        Raises:
          ValueError: ``on_bad_sample`` has another value.
        """
        if on_bad_sample not in ("raise", "skip"):
            raise ValueError(f"on_bad_sample={on_bad_sample!r}: choose raise or skip")
        super().__init__(**kwargs)
        self._on_bad_sample = on_bad_sample
        self.skipped = 0
        self.problems: list[BadSampleError] = []

    @abc.abstractmethod
    def splits(self, source: Path) -> dict[str, Entries]:
        """Entries of each split that a folder holds, by name of the split.

        Raises:
          FileNotFoundError: the folder does not hold any split.
        """

    def extra_features(self) -> dict[str, Any]:
        """Features in addition to image, text and origin."""
        return {}

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), doc="The encoded picture file."),
            "text": tfds.features.Text(doc="The label."),
            "origin": tfds.features.Text(doc="Place of the label in the set's files, below its folder."),
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
          BadSampleError: an entry is malformed, unless such entries are skipped.
          ValueError: all entries are malformed, or there are none.
        """
        used = 0
        total = sum(1 for _ in tqdm(entries(), f"{name}: counting", unit=" samples", disable=None, leave=False))
        for key, loaded in enumerate(tqdm(load(entries()), name, total, unit=" samples", disable=None)):
            if isinstance(loaded, BadSampleError):
                self._skip(loaded)
                continue
            used += 1
            entry = loaded.entry
            yield key, {"image": loaded.picture, "text": entry.text, "origin": entry.origin, **entry.extra}
        if not used:
            why = f" ({self.problems[0]})" if total else ""
            raise ValueError(f"split {name}: none of its {total} samples can be used{why}")

    def _skip(self, error: BadSampleError) -> None:
        """Counts and lists a malformed entry, or raises it as ``on_bad_sample`` says."""
        if self._on_bad_sample == "raise":
            raise error
        self.skipped += 1
        if len(self.problems) < SHOWN:
            self.problems.append(error)
        with Path(self.data_dir, SKIPPED).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{error.origin}\t{error.reason}\n")

    def _download_and_prepare(self, dl_manager: tfds.download.DownloadManager, download_config: Any) -> None:
        """Writes all splits in one pass, with a writer that neither sorts nor needs TensorFlow."""
        features, written = self.info.features, []
        assert isinstance(features, tfds.features.FeaturesDict)
        for name, examples in self._split_generators(dl_manager).items():
            template = self._get_filename_template(name)
            written.append(write_shards((features.serialize_example(example) for _, example in examples), template))
        self.info.set_splits(tfds.core.SplitDict(written))
