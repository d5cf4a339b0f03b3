r"""Tables 5 and 6 of patent US 12,387,506, and its reader with and without spatial transformer.

    python -m launch.tables.patent_tables --workdir=runs/table5 --workdir=runs/table6 --workdir=runs/stn \
        [--published=FILE] [--format=markdown|csv|latex] [--out=FILE]

Takes the results of the studies `launch.studies.patent_table5` (or ``patent_table5_small``), ``patent_table6`` and
``stn``, of all runs that have finished, in any of the folders; each is recognised by its axes:

    python -m launch.ablate --study=patent_table5 --workdir=runs/table5 \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

``--published`` takes one file, with figures of one of the tables; ``--tables=5`` prints this one alone.
"""

from collections.abc import Sequence

from absl import flags

from launch.ablation.study import load_study
from launch.runs import entry
from launch.tables.options import define_study_flags, print_pages
from launch.tables.published import PATENT
from launch.tables.study_results import gather, load_results, study_page

STUDIES = {"5": "patent_table5", "6": "patent_table6", "stn": "stn"}
TITLES = {
    "5": "Patent US 12,387,506, Table 5: layers and units of the BLSTM",
    "6": "Patent US 12,387,506, Table 6: fully connected layers",
    "stn": "Patent US 12,387,506: spatial transformer",
}
"""Titles, by table."""


def define_flags() -> None:
    """Defines the flags of this entry point."""
    define_study_flags()
    flags.DEFINE_list("tables", list(STUDIES), "Tables to print.")


def main(argv: Sequence[str]) -> None:
    """Prints the tables."""
    del argv
    values = flags.FLAGS
    tables = [*dict.fromkeys(values.tables)]
    if not tables:
        raise ValueError(f"--tables names no table; expected some of {', '.join(STUDIES)}")
    if unknown := [table for table in tables if table not in STUDIES]:
        raise ValueError(f"--tables: unknown table {unknown[0]!r}; expected some of {', '.join(STUDIES)}")
    if values.published and len(tables) > 1:
        raise ValueError("--published holds the figures of one table: choose it, such as --tables=5")
    folders = {table: _folders(values.workdir, study) for table, study in STUDIES.items()}
    if strange := set(values.workdir) - {folder for some in folders.values() for folder in some}:
        raise ValueError(f"--workdir={min(strange)} has no results of {', '.join(STUDIES.values())}: train one there")
    pages = []
    for table in tables:
        results, notes = gather(folders[table], STUDIES[table], f"runs/{STUDIES[table]}")
        source = PATENT if table == "stn" else f"{PATENT}, Table {table}"
        pages.append(study_page(TITLES[table], STUDIES[table], source, results, notes, values.published))
    print_pages(*pages)


def _folders(workdirs: Sequence[str], study: str) -> list[str]:
    """Those of the folders that hold results of the study."""
    axes = tuple(axis.name for axis in load_study(study).axes)
    loaded = {workdir: load_results(workdir) for workdir in workdirs}
    return [workdir for workdir, results in loaded.items() if results and results.axes == axes]


if __name__ == "__main__":
    define_flags()
    entry.run(main)
