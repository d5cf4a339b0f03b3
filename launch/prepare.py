r"""Prepares sets of samples, and shows what is in them.

A public set as it was published is written as TFDS does, without TensorFlow. The files are fetched by hand;
``--dataset=NAME`` with a folder that lacks them says which. CCPD and PrIMuS come in two configurations,
``--dataset=ccpd/box`` and ``--dataset=primus/agnostic``; a name alone takes the first:

    python -m launch.prepare --dataset=NAME --source=DIR --data_dir=DIR [--on_bad_sample=skip]

A contact sheet of any samples with their labels (of ``scenes``, with lines around the plates), the same ones each time,
drawn by lot:

    python -m launch.prepare --preview=plates:seed=3 [--count=60] [--out=preview.png]

A report of labels, characters, widths, the mean picture, duplicates, and samples that cannot be used, as
``report.json`` and ``report.png``; with a configuration also what its model cannot read, by its alphabet and frames:

    python -m launch.prepare --report --data=folder:PATH [--config=launch/configs/NAME.py] [--out=report]

Rendered samples have no end to speak of: the report looks at the first ``--count=2000``.
"""

import contextlib
import io
from collections.abc import Collection
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from absl import flags
from ml_collections import config_flags

from datasets.builders import BUILDERS, SetBuilder
from datasets.builders.builder import SKIPPED
from datasets.sources import BadSampleError, Source
from datasets.specs import open_source
from datasets.synthetic.scenes import Scenes
from launch.runs import entry
from recog.evaluation.contact_sheet import CELL, Tile, write_contact_sheet
from recog.images import decode

SHOWN = 60
"""Samples on a contact sheet, unless another number is asked for."""
SCENE_CELL = (320, 270)
"""Width and height in pixels of a street on it."""
FLAGS_OF = {
    "dataset": ("source", "data_dir", "on_bad_sample"),
    "preview": ("out", "count"),
    "report": ("data", "out", "count", "height", "config"),
}
"""What can be asked for, and the flags that go with it."""


def make_builder(dataset: str, data_dir: str | Path, on_bad_sample: str | None) -> SetBuilder:
    """The builder of a set.

    Args:
      dataset: its name, or name and configuration: ``ccpd/box``.
      data_dir: folder above all prepared sets.
      on_bad_sample: ``raise`` or ``skip``; None skips those of sets that are published with broken pictures.

    Raises:
      ValueError: there is no such set or configuration.
    """
    builders = {name: builder for builder in BUILDERS for name in (builder.name, *_with_configurations(builder))}
    if dataset not in builders:
        raise ValueError(f"--dataset={dataset!r}: choose one of {', '.join(builders)}")
    config, builder = dataset.partition("/")[2] or None, builders[dataset]
    how = on_bad_sample or ("skip" if builder.BROKEN else "raise")
    return builder(config=config, data_dir=data_dir, file_format="array_record", on_bad_sample=how)


def _with_configurations(builder: type[SetBuilder]) -> list[str]:
    return [f"{builder.name}/{config.name}" for config in builder.BUILDER_CONFIGS]


def prepare(dataset: str, source: str | Path, data_dir: str | Path, on_bad_sample: str | None = None) -> Path:
    """Writes a set, unless it was written before, and says what came of it.

    Args:
      dataset: name, or name and configuration.
      source: folder with the published files.
      data_dir: folder above all prepared sets.
      on_bad_sample: ``raise``, or ``skip`` to leave malformed entries out; None as `make_builder`.

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


def preview(spec: str, out: str | Path = "preview.png", count: int = SHOWN) -> Path:
    """Draws samples with their labels on a contact sheet; those that cannot be read are left out and named.

    Args:
      spec: where they come from, see `datasets.specs.open_source`.
      out: PNG to write.
      count: how many, drawn by lot, always the same.

    Returns:
      The PNG.

    Raises:
      ValueError: no such source, it holds no readable sample, or ``out`` is no PNG.
    """
    out = Path(out).expanduser()
    if out.suffix.lower() != ".png":
        raise ValueError(f"--out={out}: give the contact sheet a name that ends in .png")
    out.parent.mkdir(parents=True, exist_ok=True)
    source = open_source(spec)
    chosen = np.random.default_rng(0).choice(len(source), min(count, len(source)), replace=False)
    tiles = [tile for index in np.sort(chosen).tolist() if (tile := _tile(source, index))]
    if not tiles:
        raise ValueError(f"{spec} holds no sample that can be shown")
    write_contact_sheet(out, tiles, cell=SCENE_CELL if isinstance(source, Scenes) else CELL)
    print(f"{len(tiles)} of {len(source):,} samples of {spec}: {out}")
    return out


def _tile(source: Source, index: int) -> Tile | None:
    if isinstance(source, Scenes):
        scene = source.scene(index)
        return Tile(scene.outlined(), "  ".join(plate.text for plate in scene.plates))
    try:
        image, text, _ = source[index]
        return Tile(decode(image, 3) if isinstance(image, bytes) else image, text)
    except ValueError as error:
        origin = "" if isinstance(error, BadSampleError) else f"{source.origin(index)}: "
        print(f"left out: {origin}{error}")
        return None


def choose(given: Collection[str]) -> str:
    """What is asked for, by the names of the flags that are given.

    Raises:
      ValueError: nothing, several things, or a flag that does not go with it.
    """
    asked = [name for name in FLAGS_OF if name in given]
    if len(asked) != 1:
        sets = "|".join(builder.name for builder in BUILDERS)
        raise ValueError(
            f"say what to do, one of --dataset={sets}, --preview=SAMPLES and --report --data=SAMPLES"
            + (f", not {' and '.join(f'--{name}' for name in asked)}" if asked else "")
        )
    others = {name: other for other, names in FLAGS_OF.items() for name in names if other != asked[0]}
    for name in sorted(given):
        if name in others and name not in FLAGS_OF[asked[0]]:
            raise ValueError(f"--{name} goes with --{others[name]}, not with --{asked[0]}")
    return asked[0]


def define_flags() -> None:
    """The flags of this entry point; defined when it runs, so that others can import its functions."""
    names = ", ".join(builder.name for builder in BUILDERS)
    flags.DEFINE_string("dataset", None, f"Public set to prepare: {names}.")
    flags.DEFINE_string("source", "", "Folder with its published files.")
    flags.DEFINE_string("data_dir", "", "Folder above all prepared sets.")
    flags.DEFINE_enum(
        "on_bad_sample", None, ["raise", "skip"], "Malformed entries; without it, skip those of sets known for some."
    )
    flags.DEFINE_string("preview", None, "Samples to draw on a contact sheet: plates, folder:PATH, ...")
    flags.DEFINE_boolean("report", False, "Report what is in --data.")
    flags.DEFINE_string("data", "", "Samples to report on: folder:PATH, plates:seed=1, ...")
    flags.DEFINE_string("out", None, "PNG of the preview (preview.png) or folder of the report (report).")
    flags.DEFINE_integer("count", None, "Samples to draw (60), or of a rendered source to report on (2000).", 1)
    flags.DEFINE_integer("height", None, "Pixels at which the report measures widths (32).", 1)
    config_flags.DEFINE_config_file(
        "config", None, "A file under launch/configs/: the report checks against its model."
    )


def main(argv: list[str]) -> None:
    """Reads the flags and does what they ask for."""
    del argv
    values = flags.FLAGS
    given = {name for names in FLAGS_OF.values() for name in names if values[name].present}
    given |= {name for name in FLAGS_OF if getattr(values, name)}
    match choose(given):
        case "dataset":
            if not (values.source and values.data_dir):
                raise ValueError("--dataset needs --source=DIR and --data_dir=DIR")
            prepare(values.dataset, values.source, values.data_dir, values.on_bad_sample)
        case "preview":
            preview(values.preview, values.out or "preview.png", values.count or SHOWN)
        case _:
            if not values.data:
                raise ValueError("--report needs --data=SAMPLES, such as --data=folder:PATH")
            from launch.runs.data_page import report  # takes seconds to import: models and plots

            report(values.data, values.out or "report", values.count, values.height, values.config)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
