"""The table of word sets and lexicons."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from datasets.sources import BadSampleError, Source, Subset
from datasets.specs import open_source
from launch.ablation.tables import Table
from launch.runs.lexicons import FULL
from launch.tables.measuring import Measured, measure
from launch.tables.prepared import PreparedSet
from launch.tables.printing import Note, Page
from launch.tables.published import CRNN_TABLE2, UNCONFIRMED, published_lines
from launch.tables.readers import BEST_PATH, Reader
from recog.cli.decoding import Decoding

SPLIT = "test"
DRAWN = 50
"""Words of a lexicon that is drawn for each picture."""
SETS = {"IIIT5k": "iiit5k", "SVT": "svt", "IC03": "icdar2003", "IC13": "icdar2013"}
"""Prepared sets, by their names in the paper."""
SHORTEST = {"icdar2003": 3}
"""Minimum number of characters of a word; shorter ones are left out, after Wang et al. (2011)."""
FILE = "lexicon_50k"
"""Stands for the file of ``--lexicon_50k``."""


class Column(NamedTuple):
    """A set with a lexicon."""

    group: str
    """Name of the set in the paper."""
    lexicon: str
    """Name of the lexicon in the paper, ``none`` for the best path."""
    spec: str = ""
    """Lexicon for `launch.runs.lexicons.open_lexicons`; empty for the best path."""

    @property
    def title(self) -> str:
        """Title of the column."""
        return f"{self.group} {self.lexicon}"


COLUMNS = (
    Column("IIIT5k", "50", "lexicon_50"),
    Column("IIIT5k", "1k", "lexicon_1k"),
    Column("IIIT5k", "none"),
    Column("SVT", "50", "lexicon_50"),
    Column("SVT", "none"),
    Column("IC03", "50", f"{FULL}:{DRAWN}"),
    Column("IC03", "full", FULL),
    Column("IC03", "50k", FILE),
    Column("IC03", "none"),
    Column("IC13", "none"),
)


def word_page(readers: Sequence[Reader], data_dir: str, lexicon: str, on_bad_sample: str, published: str) -> Page:
    """Measures the readers on the sets that are there.

    Args:
      readers: readers of words.
      data_dir: folder above all prepared sets.
      lexicon: file of the lexicon 50k; empty leaves its column out.
      on_bad_sample: ``raise`` or ``skip`` samples that cannot be used.
      published: file with further figures, see `published_lines`.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: a sample or a lexicon does not suit a reader.
    """
    if lexicon and not Path(lexicon).is_file():
        raise FileNotFoundError(f"--lexicon_50k={lexicon}: no such file")
    titles = ["reader", *(column.title for column in COLUMNS)]
    below = published_lines(titles, [CRNN_TABLE2], published)
    prepared = {group: PreparedSet(dataset, data_dir) for group, dataset in SETS.items()}
    notes = [note for one in prepared.values() for note in one.notes([SPLIT])]
    sources, rows = {}, []
    for group, one in prepared.items():
        if readers and (one.sizes() or {}).get(SPLIT):
            sources[group], note = _protocol(one)
            notes += note
    for reader in readers:
        cells = []
        for column in COLUMNS:
            cell, more = _cell(reader, column, sources.get(column.group), lexicon, on_bad_sample)
            cells.append(Measured.text(cell, "{accuracy:.1f}"))
            notes += [note for note in more if note not in notes]
        rows.append([reader.name, *cells])
    table = Table(titles, [*rows, *below], (-1, -1))
    return Page("Accuracy in per cent by set and lexicon", table, (*notes, Note(UNCONFIRMED)))


def _protocol(prepared: PreparedSet) -> tuple[Source, list[Note]]:
    """Test words of the paper's protocol, and a remark on their number where some are left out."""
    source, shortest = open_source(prepared.spec(SPLIT)), SHORTEST.get(prepared.dataset, 1)
    kept = [index for index in range(len(source)) if _counts(source, index, shortest)]
    if len(kept) == len(source):
        return source, []
    return Subset(source, kept), [Note(f"{prepared.dataset}: {len(kept):,} of {len(source):,} words in the protocol")]


def _counts(source: Source, index: int, shortest: int) -> bool:
    try:
        label = source[index].label
    except BadSampleError:
        return True  # the preflight names it
    return label.isascii() and label.isalnum() and len(label) >= shortest


def _cell(
    reader: Reader, column: Column, source: Source | None, lexicon: str, on_bad_sample: str
) -> tuple[Measured | None, list[Note]]:
    """Measures one cell; None with a remark if something for it is missing."""
    if not source:
        return None, []
    if column.spec and not reader.whole_texts:
        return None, [Note(f"{reader.name} has no CTC logits of a whole text, which lexicons need")]
    if column.spec == FILE and not lexicon:
        return None, [Note(f"{column.title}: name the words with --lexicon_50k=FILE, one per line")]
    if column.spec.startswith(f"{FULL}:") and _different(reader, source) < DRAWN:
        return None, [Note(f"{column.title}: {SETS[column.group]} has fewer than {DRAWN} different words to draw from")]
    spec = lexicon if column.spec == FILE else column.spec
    decoding = Decoding("lexicon", lexicon=spec) if spec else BEST_PATH
    cell = measure(reader, source, f"{SETS[column.group]} {SPLIT}", on_bad_sample, decoding)
    return cell, list(cell.notes)


def _different(reader: Reader, source: Source) -> int:
    return len({reader.codec.learnt(source[index].label) for index in range(len(source))})
