"""Cells of tables: figures of a reader on a source of samples."""

from typing import NamedTuple

from datasets.sources import Source
from datasets.specs import open_source
from launch.ablation.tables import DASH
from launch.tables.printing import Note
from launch.tables.readers import BEST_PATH, Reader, Score
from recog.cli.decoding import Decoding


class Measured(NamedTuple):
    """A cell and the remarks on it."""

    score: Score
    notes: tuple[Note, ...] = ()

    @staticmethod
    def text(cell: "Measured | None", form: str) -> str:
        """Writes a cell: ``{accuracy}`` in per cent, mean edit ``{distance}`` in tokens; a dash for None."""
        if cell is None:
            return DASH
        counts = cell.score.counts
        return form.format(accuracy=100 * counts.accuracy, distance=counts.edits / max(counts.count, 1))


def measure(
    reader: Reader, source: str | Source, title: str, on_bad_sample: str, decoding: Decoding = BEST_PATH
) -> Measured:
    """Measures a reader on a source.

    Args:
      reader: the reader.
      source: samples, or their name for `open_source`.
      title: name of the samples in remarks.
      on_bad_sample: ``raise`` or ``skip`` samples that cannot be used.
      decoding: best path or lexicon.

    Raises:
      ValueError: a sample or the decoder does not suit the reader.
    """
    source = open_source(source) if isinstance(source, str) else source
    score = reader.score(source, title, decoding, on_bad_sample)
    skipped = f"{reader.name} on {title}: {score.skipped:,} of {len(source):,} samples are left out"
    return Measured(score, (Note(skipped),) if score.skipped else ())
