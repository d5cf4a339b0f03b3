"""Prepared sets of rendered samples, written shard by shard so that a stopped command goes on where it was."""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from etils import epath

from datasets.builders.render_workers import PART, write_all
from datasets.builders.rendering import RENDERER_VERSION, Rendering
from datasets.builders.shards import SHARD_RECORDS
from datasets.tfds_source import IDENTITY, INFO

VERSION = "1.0.0"
SPLIT = "train"
SHOWN = 5
"""Maximum number of differences that a message names."""

SMALL = 256
"""Maximum samples of a shard of a set of less than `SMALL` times `FILES` samples. A worker that is killed loses them:
some seconds of rendering."""
FILES = 512
"""Number of shards above which they grow instead, up to `SHARD_RECORDS` samples: a reader keeps all of them open, and
systems commonly allow 1,024 open files. So a million samples are 512 files, each a 500th of the work."""


class RenderedSet:
    """The folder of a rendering: complete, begun, or new.

    Example:
      >>> rendered = RenderedSet(Rendering("plates:seed=1", 1000), Path("prepared"))
      >>> rendered.claim()
      >>> rendered.write(2, print)

    Args:
      rendering: the samples.
      data_dir: folder above all prepared sets.
      name: name of the set; None takes that of the renderers.

    Raises:
      ValueError: the name cannot be that of a set.
    """

    def __init__(self, rendering: Rendering, data_dir: str | Path, name: str | None = None):
        name = name or rendering.name
        if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]*", name):
            raise ValueError(f"--name={name!r}: use letters, digits and underscores, a letter first")
        self.rendering = rendering
        self.home = Path(data_dir).expanduser() / name
        """Folder of the set without its version, by which sources name it."""
        self.folder = self.home / VERSION
        self._template = tfds.core.ShardedFileTemplate(
            data_dir=epath.Path(self.folder), dataset_name=name, split=SPLIT, filetype_suffix="array_record"
        )

    @property
    def shards(self) -> dict[Path, range]:
        """Indices of the samples of each shard, by its file."""
        count = self.rendering.count
        number = max(min(-(-count // SMALL), FILES), -(-count // SHARD_RECORDS))
        ends = [count * shard // number for shard in range(number + 1)]
        files = (Path(self._template.sharded_filepath(shard_index=n, num_shards=number)) for n in range(number))
        return {file: range(*pair) for file, pair in zip(files, itertools.pairwise(ends), strict=True)}

    @property
    def missing(self) -> dict[Path, range]:
        """The shards that are not written yet."""
        return {file: indices for file, indices in self.shards.items() if not file.is_file()}

    @property
    def complete(self) -> bool:
        """Whether all its files are written."""
        return (self.folder / INFO).is_file() and not self.missing

    @property
    def size(self) -> int:
        """Bytes of all shards."""
        return sum(file.stat().st_size for file in self.shards)

    def claim(self) -> None:
        """Creates the folder, or checks that it holds this very rendering.

        Raises:
          ValueError: it holds another rendering, or something else.
          OSError: it cannot be created.
        """
        file, wanted = self.folder / IDENTITY, self.rendering.identity()
        if file.is_file():
            _refuse_differences(self.home, _load_identity(file), wanted)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if any(path.suffix != ".new" for path in self.folder.iterdir()):
            raise ValueError(f"{self.folder} holds something else than a rendering: choose another --name")
        new = file.with_suffix(".new")
        new.write_text(json.dumps(wanted, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        new.rename(file)

    def write(self, workers: int, report: Callable[[int], object]) -> None:
        """Writes the missing shards and the set's description; the files are the same for any number of workers.

        Args:
          workers: number of processes.
          report: called with numbers of samples as they are written.

        Raises:
          OSError: a file cannot be written, or a worker was killed.
        """
        self._remove_parts()
        try:
            write_all(self.rendering, self.missing, workers, report)
        finally:
            self._remove_parts()
        try:
            self._write_info()
        except BaseException:
            (self.folder / INFO).unlink(missing_ok=True)  # a part of it would look complete
            raise

    def _remove_parts(self) -> None:
        """Removes unfinished shards."""
        for part in self.folder.glob(f"*{PART}"):
            part.unlink()

    def _write_info(self) -> None:
        """Writes the files by which TFDS knows the set."""
        split = tfds.core.SplitInfo(
            name=SPLIT,
            shard_lengths=[len(indices) for indices in self.shards.values()],
            num_bytes=self.size,
            filename_template=self._template,
        )
        tfds.folder_dataset.write_metadata(
            data_dir=self.folder,
            features=self.rendering.features,
            split_infos=[split],
            filename_template=self._template,
            check_data=False,
            description=f"Rendered samples: {self.rendering.name}.",
            disable_shuffling=True,
        )


def _load_identity(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file} is damaged ({error}): remove the folder {file.parent}") from error


def _refuse_differences(home: Path, there: dict[str, Any], wanted: dict[str, Any]) -> None:
    names = [name for name in {**there, **wanted} if there.get(name) != wanted.get(name)]
    if names != [RENDERER_VERSION]:  # which differs as soon as a setting does
        names = [name for name in names if name != RENDERER_VERSION]
    if names:
        found = ", ".join(f"{name} is {there.get(name)} there and {wanted.get(name)} here" for name in names[:SHOWN])
        raise ValueError(f"{home} holds another rendering ({found}): choose another --name, or remove the folder")
