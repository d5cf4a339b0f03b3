"""Prepares public sets by name: finds the builder, runs it on the published files, and sums up the result."""

import contextlib
import io
from pathlib import Path

import tensorflow_datasets as tfds

from datasets.builders import BUILDERS, SetBuilder
from datasets.builders.builder import SKIPPED
from datasets.sources import BadSampleError


def set_names() -> list[str]:
    """Names of all public sets, without configurations."""
    return [builder.name for builder in BUILDERS]


def make_builder(dataset: str, data_dir: str | Path, on_bad_sample: str | None) -> SetBuilder:
    """Makes the builder of a set.

    Args:
      dataset: its name, or name and configuration: ``ccpd/box``.
      data_dir: folder above all prepared sets.
      on_bad_sample: ``raise`` or ``skip``; None skips them for sets that are published with broken pictures.

    Raises:
      ValueError: unknown set or configuration.
    """
    builders = {name: builder for builder in BUILDERS for name in (builder.name, *_with_configurations(builder))}
    if dataset not in builders:
        raise ValueError(f"--dataset={dataset!r}: choose one of {', '.join(builders)}")
    config, builder = dataset.partition("/")[2] or None, builders[dataset]
    policy = on_bad_sample or ("skip" if builder.BROKEN else "raise")
    return builder(config=config, data_dir=data_dir, file_format="array_record", on_bad_sample=policy)


def prepare_set(dataset: str, source: str | Path, data_dir: str | Path, on_bad_sample: str | None = None) -> Path:
    """Writes a set, unless its folder exists already, and prints a summary.

    Args:
      dataset: name, or name and configuration.
      source: folder with the published files.
      data_dir: folder above all prepared sets.
      on_bad_sample: ``raise``, or ``skip`` to leave out malformed entries; None as in `make_builder`.

    Returns:
      The folder of the prepared set.

    Raises:
      FileNotFoundError: the published files are not in ``source``.
      ValueError: unknown set, or a malformed entry.
    """
    source, data_dir = Path(source).expanduser(), Path(data_dir).expanduser()
    builder = make_builder(dataset, data_dir, on_bad_sample)
    folder = Path(builder.data_dir)
    if folder.exists():
        print(f"{folder} exists already: remove it to prepare the set again")
        return folder
    if not (source.is_dir() and any(source.iterdir())):
        raise FileNotFoundError(f"{source} is not a folder with files. {builder.MANUAL_DOWNLOAD_INSTRUCTIONS}")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS announces a download, and there is none
            builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=source))
    except BadSampleError as error:
        raise ValueError(f"{error}\nFix it, or leave out malformed entries: --on_bad_sample=skip") from error
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}. {builder.MANUAL_DOWNLOAD_INSTRUCTIONS}") from error
    print(_summary(builder))
    return folder


def _with_configurations(builder: type[SetBuilder]) -> list[str]:
    return [f"{builder.name}/{config.name}" for config in builder.BUILDER_CONFIGS]


def _summary(builder: SetBuilder) -> str:
    """Splits with their sizes, and the entries that were left out."""
    splits = [f"  {name}: {split.num_examples:,} samples" for name, split in builder.info.splits.items()]
    lines = [f"{builder.data_dir}, {builder.info.dataset_size}:", *splits]
    if builder.skipped:
        listed = f"{builder.data_dir}/{SKIPPED}"
        lines.append(f"{builder.skipped:,} malformed entries were left out, all listed in {listed}:")
        lines += [f"  {problem}" for problem in builder.problems]
        lines += ["  ..."] * (builder.skipped > len(builder.problems))
    return "\n".join(lines)
