r"""Prepares a public set for training: reads it as it was published, and writes it as TFDS does, without TensorFlow.

    python -m launch.prepare --dataset=NAME --source=DIR --data_dir=DIR [--on_bad_sample=skip]

The files are fetched by hand; ``--dataset=NAME`` with a folder that lacks them says which. CCPD and PrIMuS come in two
configurations, ``--dataset=ccpd/box`` and ``--dataset=primus/agnostic``; a name alone takes the first.
"""

import contextlib
import io
from pathlib import Path

import tensorflow_datasets as tfds
from absl import flags

from datasets.builders import BUILDERS, SetBuilder
from datasets.builders.builder import SKIPPED
from datasets.sources import BadSampleError
from launch import friendly


def make_builder(dataset: str, data_dir: str | Path, on_bad_sample: str) -> SetBuilder:
    """The builder of a set.

    Args:
      dataset: its name, or name and configuration: ``ccpd/box``.
      data_dir: folder above all prepared sets.
      on_bad_sample: ``raise`` or ``skip``.

    Raises:
      ValueError: there is no such set or configuration.
    """
    builders = {name: builder for builder in BUILDERS for name in (builder.name, *_with_configurations(builder))}
    if dataset not in builders:
        raise ValueError(f"--dataset={dataset!r}: choose one of {', '.join(builders)}")
    config = dataset.partition("/")[2] or None
    return builders[dataset](config=config, data_dir=data_dir, file_format="array_record", on_bad_sample=on_bad_sample)


def _with_configurations(builder: type[SetBuilder]) -> list[str]:
    return [f"{builder.name}/{config.name}" for config in builder.BUILDER_CONFIGS]


def prepare(dataset: str, source: str | Path, data_dir: str | Path, on_bad_sample: str = "raise") -> Path:
    """Writes a set, unless it was written before, and says what came of it.

    Args:
      dataset: name, or name and configuration.
      source: folder with the published files.
      data_dir: folder above all prepared sets.
      on_bad_sample: ``raise``, or ``skip`` to leave malformed entries out.

    Returns:
      The folder of the prepared set.

    Raises:
      FileNotFoundError: the published files are not in ``source``.
      ValueError: no such set, or a malformed entry.
    """
    source, data_dir = Path(source).expanduser(), Path(data_dir).expanduser()
    builder = make_builder(dataset, data_dir, on_bad_sample)
    folder = Path(builder.data_dir)
    if folder.exists():
        print(f"{folder} is there already: remove it to prepare it anew")
        return folder
    if not (source.is_dir() and any(source.iterdir())):
        raise FileNotFoundError(f"{source} is no folder with files. {builder.MANUAL_DOWNLOAD_INSTRUCTIONS}")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS announces a download, of which there is none
            builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=source))
    except BadSampleError as error:
        raise ValueError(f"{error}\nMend it, or leave out what is malformed: --on_bad_sample=skip") from error
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}. {builder.MANUAL_DOWNLOAD_INSTRUCTIONS}") from error
    print(_summary(builder))
    return folder


def _summary(builder: SetBuilder) -> str:
    """Splits with their sizes, and what was left out."""
    splits = [f"  {name}: {split.num_examples:,} samples" for name, split in builder.info.splits.items()]
    lines = [f"{builder.data_dir}, {builder.info.dataset_size}:", *splits]
    if builder.skipped:
        lines.append(f"{builder.skipped:,} malformed entries were left out, all named in {builder.data_dir}/{SKIPPED}:")
        lines += [f"  {problem}" for problem in builder.problems]
        lines += ["  ..."] * (builder.skipped > len(builder.problems))
    return "\n".join(lines)


def define_flags() -> None:
    """The flags of this entry point; defined when it runs, so that others can import its functions."""
    names = ", ".join(builder.name for builder in BUILDERS)
    flags.DEFINE_string("dataset", "", f"Public set to prepare: {names}.")
    flags.DEFINE_string("source", "", "Folder with its published files.")
    flags.DEFINE_string("data_dir", "", "Folder above all prepared sets.")
    flags.DEFINE_enum("on_bad_sample", "raise", ["raise", "skip"], "What to do with malformed entries.")


def main(argv: list[str]) -> None:
    """Reads the flags and does what they ask for."""
    del argv
    values = flags.FLAGS
    if values.dataset:
        if not (values.source and values.data_dir):
            raise ValueError("--dataset needs --source=DIR and --data_dir=DIR")
        prepare(values.dataset, values.source, values.data_dir, values.on_bad_sample)
    else:
        raise ValueError(f"say what to prepare: --dataset={'|'.join(builder.name for builder in BUILDERS)}")


if __name__ == "__main__":
    define_flags()
    friendly.run(main)
