"""Figures of the publications, each confirmed in a copy of it; cells whose figure could not be confirmed are left out.

``--published=FILE`` adds figures that a user has at hand, or replaces those here.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from launch.ablation.tables import DASH
from launch.tables.printing import Note


class Published(NamedTuple):
    """A published row of a table."""

    labels: tuple[str, ...]
    """Cells that name the row, from the left: the system with its source, and more."""
    figures: Mapping[str, str] = {}
    """Confirmed figures as the publication writes them, by title of the column."""


CRNN = "CRNN (Shi et al. 2015)"

CRNN_TABLE2 = Published(
    (CRNN,),
    {
        "IIIT5k 50": "97.6",
        "IIIT5k 1k": "94.4",
        "IIIT5k none": "78.2",
        "SVT 50": "96.4",
        "SVT none": "80.8",
        "IC03 50": "98.7",
        "IC03 full": "97.6",
        "IC03 50k": "95.5",
        "IC03 none": "89.4",
        "IC13 none": "86.7",
    },
)
"""Accuracies in per cent: Shi, Bai and Yao, arXiv:1507.05717v1 (2015), Table 2, row CRNN."""

MUSIC_TABLE4 = (
    Published(("Capella Scan",), {"clean": "51.9%/1.75", "synthesised": "20.0%/2.31", "real": "43.5%/3.05"}),
    Published(("PhotoScore",), {"clean": "55.0%/2.34", "synthesised": "28.0%/1.85", "real": "20.4%/3.00"}),
    Published((CRNN,), {"clean": "74.6%/0.37", "synthesised": "81.5%/0.30", "real": "84.0%/0.30"}),
)
"""Fragment accuracy and average edit distance: Shi, Bai and Yao, arXiv:1507.05717v1 (2015), Table 4."""

CCPD = (
    Published(
        ("SSD512+HC (CCPD 2019)", "found"),
        {
            "db": "34.47",
            "blur": "25.83",
            "fn": "45.24",
            "rotate": "52.82",
            "tilt": "52.04",
            "challenge": "44.62",
            "test": "43.42",
        },
    ),
    Published(("LPRNet (PeerJ cs-2989, Table 2)", DASH)),
    Published(("LPRNet, graphic supervision (PeerJ cs-2989, Table 2)", DASH)),
    Published(("LPRNet (PeerJ cs-2989, Table 5)", DASH)),
    Published(("LPRNet, graphic supervision (PeerJ cs-2989, Table 5)", DASH)),
    Published(("multi-task RNN (Acta Automatica Sinica 48(2), Table 3)", DASH)),
)
"""Accuracies in per cent. SSD512+HC: README of github.com/detectRecog/CCPD at commit 02aaea1, table of the release of
2019 under "recognition"; it also has to find the plate, and its column AP is over all test pictures. The figures of the
other rows, and whether their plates are rectified, could not be confirmed."""

CCPD_NOTES = (
    Note(
        "PeerJ Computer Science cs-2989, abstract: graphic supervision improves LPRNet on all test sets, by 5.86 % on "
        "average and 10.9 % at most"
    ),
)

PRICE_PAPER = "Acta Automatica Sinica 48(2), 2022"
PATENT = "US 12,387,506"
"""Sources of the tables of ablations, none of whose figures could be confirmed."""

UNCONFIRMED = "–: not measured, or not confirmed in the publication; --published=FILE adds figures"


def published_lines(titles: Sequence[str], rows: Sequence[Published], file: str) -> list[list[str]]:
    """Lines of a table with published figures; call it before a long computation, as the file may be unusable.

    Args:
      titles: titles of the columns.
      rows: published rows.
      file: CSV file with further figures, empty for none: some of the titles, those that name rows among them, and
        below them the figures of each row. A row with the labels of one in ``rows`` replaces its figures.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file is not CSV in UTF-8, has other columns, or lacks those that name its rows.
    """
    if file and not Path(file).is_file():
        raise FileNotFoundError(f"--published={file}: no such file")
    count = len(rows[0].labels)
    below = {row.labels: dict(row.figures) for row in rows}
    try:
        added = _load(file, titles, count) if file else []
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"--published={file} is not a CSV file in UTF-8: {error}") from error
    for labels, figures in added:
        below.setdefault(labels, {}).update(figures)
    return [[*labels, *(figures.get(title, DASH) for title in titles[count:])] for labels, figures in below.items()]


def _load(file: str, titles: Sequence[str], count: int) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    with Path(file).open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        columns = reader.fieldnames or ()
        if unknown := [name for name in columns if name not in titles]:
            raise ValueError(f"--published={file}: unknown column {unknown[0]!r}; expected some of {', '.join(titles)}")
        if twice := [name for place, name in enumerate(columns) if name in columns[:place]]:
            raise ValueError(f"--published={file} has the column {twice[0]!r} twice: keep one")
        if missing := [title for title in titles[:count] if title not in columns]:
            raise ValueError(f"--published={file} lacks the column {missing[0]!r}, which names rows")
        found = []
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"--published={file}, line {reader.line_num}: expected {len(columns)} cells")
            if not any(row.values()):
                continue
            figures = {title: row[title] for title in titles[count:] if row.get(title)}
            found.append((tuple(row[title] or DASH for title in titles[:count]), figures))
    return found
