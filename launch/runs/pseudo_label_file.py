"""File of pseudo-labels in a work folder, from which a resumed run takes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from datasets.sources import Keyed

FILE = "pseudo_labels.tsv"
"""Name of the file in the work folder."""
HEADER = "path\ttext\tconfidence\tsample"


class PseudoLabel(NamedTuple):
    """A reading that is used as a label."""

    path: str
    """Key of the sample in its source, on one line and without tabs (`path_of`)."""
    text: str
    """The reading."""
    confidence: float
    """Probability that the reading is right, 0 to 1."""
    sample: int
    """Index of the sample in its source."""


def path_of(source: Keyed, index: int) -> str:
    """Key of a sample as one column of the file."""
    return " ".join(source.key(index).decode(errors="backslashreplace").split("\t")).replace("\n", " ")


def write_labels(workdir: Path, labels: Sequence[PseudoLabel]) -> None:
    """Writes the labels of a run, in one step, so that an interrupted run leaves no part of the file."""
    rows = (f"{label.path}\t{label.text}\t{label.confidence:.6f}\t{label.sample}\n" for label in labels)
    temporary = workdir / f"{FILE}.tmp"
    temporary.write_text("".join([f"{HEADER}\n", *rows]), encoding="utf-8", newline="\n")
    temporary.rename(workdir / FILE)


def load_labels(workdir: Path, source: Keyed) -> list[PseudoLabel]:
    """Loads the labels of a run that is resumed.

    Args:
      workdir: folder of the run.
      source: source of the unlabelled pictures.

    Raises:
      FileNotFoundError: the folder lacks the file.
      ValueError: the file is damaged, or the source has other pictures than when the run began.
    """
    path = workdir / FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: copy it again, or start anew in another --workdir")
    header, *lines = path.read_bytes().decode("utf-8").split("\n")
    if header != HEADER or not lines or lines.pop():
        raise ValueError(f"{path} is damaged: copy it again, or start anew in another --workdir")
    labels = [_parse(line, f"{path}:{number}") for number, line in enumerate(lines, 2)]
    for label in labels:
        if label.sample >= len(source) or path_of(source, label.sample) != label.path:
            raise ValueError(
                f"{label.path} is not picture {label.sample} of data.unlabelled any more, as {path} says: restore the "
                "pictures to resume the run, or start anew in another --workdir"
            )
    return labels


def _parse(line: str, place: str) -> PseudoLabel:
    try:
        path, text, confidence, sample = line.split("\t")
        return PseudoLabel(path, text, float(confidence), int(sample))
    except ValueError as error:
        raise ValueError(
            f"{place} is damaged: it holds {line!r:.80} in place of path, text, confidence and sample; copy the file "
            "again, or start anew in another --workdir"
        ) from error
