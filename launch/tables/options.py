"""Flags of the tables, the readers and studies that they name, and the output."""

from pathlib import Path

from absl import flags

from launch.tables.printing import FORMATS, Page, write_pages
from launch.tables.readers import Reader, open_readers
from launch.tables.study_results import gather, study_page

flags.disclaim_key_flags()  # --help lists them as those of the command


def define_output_flags() -> None:
    """Defines the flags of every table."""
    flags.DEFINE_enum("format", "markdown", FORMATS, "Format of the table.")
    flags.DEFINE_string("out", "", "File to write (the standard output).")
    flags.DEFINE_string("published", "", "CSV file with figures of the publication, under titles of the table.")


def define_study_flags() -> None:
    """Defines the flags that name folders of studies, and those of every table."""
    flags.DEFINE_multi_string("workdir", [], "DIR or NAME=DIR, a folder that launch.ablate wrote; several times.")
    define_output_flags()


def define_reader_flags() -> None:
    """Defines the flags that name readers and prepared sets, and those of every table."""
    flags.DEFINE_multi_string("workdir", [], "NAME=DIR, a folder that launch.train wrote; several compare readers.")
    flags.DEFINE_multi_string("artifact", [], "NAME=DIR, likewise, a folder that launch.export wrote, or zoo:NAME.")
    flags.DEFINE_string("data_dir", "prepared", "Folder above all prepared sets.")
    flags.DEFINE_enum("on_bad_sample", "raise", ["raise", "skip"], "Whether to skip samples that cannot be used.")
    define_output_flags()


def readers_from_flags() -> list[Reader]:
    """Readers that the flags name; none if the table is to show published figures alone.

    Raises:
      ValueError: a folder is not one of a reader, two readers have the same name, or ``--out`` is a folder.
    """
    if out := flags.FLAGS.out:  # before a long computation whose results could not be written
        if Path(out).is_dir():
            raise ValueError(f"--out={out} is a folder: name a file in it")
        Path(out).parent.mkdir(parents=True, exist_ok=True)
    return open_readers(flags.FLAGS.workdir, flags.FLAGS.artifact)


def print_pages(*pages: Page) -> None:
    """Writes pages as the flags say."""
    write_pages(pages, flags.FLAGS.format, flags.FLAGS.out)


def print_study(title: str, study: str, source: str) -> None:
    """Prints the results of a study in the folders of ``--workdir`` beside the published figures.

    Args:
      title: title of the table.
      study: name of the study.
      source: name of the publication.
    """
    values = flags.FLAGS
    results, notes = gather(values.workdir, study, f"runs/{study}")
    print_pages(study_page(title, study, source, results, notes, values.published))
