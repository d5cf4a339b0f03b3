"""Pictures that show none of the classes they should, found by a classifier's most probable ones."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from tqdm import tqdm

from datasets.near_duplicates import Glance, Pair, glance, look_alikes
from datasets.once import Once
from datasets.report import LOOK_AT_RENDERED
from datasets.sources import BadSampleError
from datasets.specs import open_source
from launch.runs.wanted_classes import Wanted, load_wanted
from recog.codecs import ClassCodec
from recog.evaluation.contact_sheet import PICTURE_CELL, Tile, write_contact_sheet
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.serving.named import artifact_folder

TOP = 20
"""Number of the model's most probable classes in which a wanted one must be, unless another is given."""
TOGETHER = 32
"""Number of pictures to decode and classify together."""
SHOWN = 60
"""Maximum number of pictures on the contact sheet."""
COLUMNS = ("file", "label", "rank", "probability", "first", "second", "third")
"""Columns of ``outliers.tsv``."""


class Seen(NamedTuple):
    """A picture of the source as the model sees it."""

    number: int
    """Index in the source."""
    name: str
    """Key of the sample, by which ``data.exclude`` leaves it out."""
    label: str
    rank: int
    """Rank of the most probable wanted class among all, 1 for the first."""
    probability: float
    """Probability of that class."""
    best: tuple[tuple[str, float], ...]
    """The three most probable classes with their probabilities."""
    glance: Glance

    def row(self) -> list[str]:
        """Values of `COLUMNS`."""
        best = [f"{name} {probability:.3f}" for name, probability in self.best]
        return [self.name, self.label, str(self.rank), f"{self.probability:.3g}", *best]


def find_outliers(data: str, model: str | Path, classes: str, top: int = TOP, out: str | Path = "outliers") -> Path:
    """Writes ``outliers.tsv`` and ``outliers.png``, worst first, and ``duplicates.tsv``; prints a summary.

    Pictures that look alike (`datasets.near_duplicates`) are listed in ``duplicates.tsv``, those with different labels
    first. Pictures that cannot be read are left out and reported.

    Args:
      data: source of classified pictures, see `datasets.specs.open_source`.
      model: artifact of a classifier.
      classes: the wanted classes, see `launch.runs.wanted_classes.load_wanted`.
      top: a picture is an outlier if no wanted class is among so many most probable ones.
      out: folder to write to.

    Returns:
      The folder.

    Raises:
      ArtifactError: not the artifact of a classifier.
      ValueError: the classes do not fit the model or the labels, or no picture can be read.
    """
    artifact, out = Artifact.load(artifact_folder(model)), Path(out).expanduser()
    if not isinstance(artifact.codec, ClassCodec):
        raise ArtifactError(f"{model} is not the artifact of a classifier, which --outliers needs")
    names = artifact.codec.names
    if not 0 < top < len(names):
        raise ValueError(f"--top={top}: choose 1 to {len(names) - 1}, because the model has {len(names)} classes")
    wanted, source = load_wanted(classes, names), Once(open_source(data), LOOK_AT_RENDERED)
    out.mkdir(parents=True, exist_ok=True)
    seen = list(tqdm(_classify(artifact, source, wanted), "outliers", len(source), unit="image", leave=False))
    if not seen:
        raise ValueError(f"{data}: no picture can be read")
    outliers = sorted((one for one in seen if one.rank > top), key=lambda one: (-one.rank, one.probability))
    _write_rows(out / "outliers.tsv", COLUMNS, [one.row() for one in outliers])
    _draw(out / "outliers.png", artifact, source, outliers)
    files = f"{out / 'outliers.tsv'}" + (f", {out / 'outliers.png'}" if outliers else "")
    print(
        f"{len(outliers):,} of {len(seen):,} pictures of {data} show no class wanted for them (of {wanted.size}) "
        f"among the model's first {top}: {files}"
    )
    _report_duplicates(out / "duplicates.tsv", seen)
    if outliers:
        print(f"Look at them, then train without them: --config.data.exclude={out / 'outliers.tsv'}", flush=True)
    return out


def _classify(artifact: Artifact, source: Once, wanted: Wanted) -> Iterator[Seen]:
    """Classifies the samples in order; prints those that cannot be read."""
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(source), TOGETHER):
            indices = range(start, min(start + TOGETHER, len(source)))
            loaded = list(pool.map(lambda index: _load(artifact, source, index), indices))
            usable = [(index, x) for index, x in zip(indices, loaded, strict=True) if not isinstance(x, str)]
            for index, x in zip(indices, loaded, strict=True):
                if isinstance(x, str):
                    tqdm.write(f"left out: {source.origin(index)}: {x}")
            if usable:
                yield from _judge(artifact, source, wanted, usable)


class _Loaded(NamedTuple):
    """A readable picture."""

    label: str
    fitted: UInt8[np.ndarray, "H W C"]
    """Input of the model."""
    glance: Glance


def _load(artifact: Artifact, source: Once, index: int) -> _Loaded | str:
    """Loads a sample; returns the reason if it cannot be used."""
    try:
        image, label, _ = source[index]
        picture = artifact.card.preprocess.decode(image)
        fitted = artifact.fit(picture)
    except BadSampleError as error:
        return error.reason
    except ValueError as error:
        return str(error)
    if not isinstance(label, str):
        return f"the label is {type(label).__name__}, not a class"
    return _Loaded(label, fitted, glance(picture))


def _judge(artifact: Artifact, source: Once, wanted: Wanted, loaded: Sequence[tuple[int, _Loaded]]) -> Iterator[Seen]:
    def predict(images: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
        return list(artifact.predict(images, sizes)["probabilities"])

    names = artifact.codec.class_names
    found = artifact.in_groups([one.fitted for _, one in loaded], predict)
    for (index, one), probabilities in zip(loaded, found, strict=True):
        rank, probability = rank_of(probabilities, wanted.of(one.label))
        first = np.argsort(-probabilities, kind="stable")[:3]
        best = tuple((names[place], float(probabilities[place])) for place in first)
        yield Seen(index, source.name(index), one.label, rank, probability, best, one.glance)


def rank_of(probabilities: Float[np.ndarray, " K"], wanted: Sequence[int]) -> tuple[int, float]:
    """Rank among all classes, from 1, and probability of the most probable wanted one."""
    best = probabilities[list(wanted)].max()
    return 1 + int((probabilities > best).sum()), float(best)


def _draw(path: Path, artifact: Artifact, source: Once, outliers: Sequence[Seen]) -> None:
    """Draws the worst outliers, with their most probable class and their label; removes the sheet if there are none."""
    path.unlink(missing_ok=True)
    tiles = [
        Tile(artifact.card.preprocess.decode(source[one.number].image), one.best[0][0], one.label)
        for one in outliers[:SHOWN]
    ]
    if tiles:
        write_contact_sheet(path, tiles, cell=PICTURE_CELL)


def _report_duplicates(path: Path, seen: Sequence[Seen]) -> None:
    """Writes pairs of pictures that look alike, with the number of differing bits of 256, and prints their number."""

    def differ(pair: Pair) -> bool:
        return seen[pair.first].label != seen[pair.second].label

    pairs = sorted(look_alikes([one.glance for one in seen]), key=lambda pair: not differ(pair))
    sides = [(seen[pair.first], seen[pair.second], pair.bits) for pair in pairs]
    rows = [[one.name, one.label, other.name, other.label, str(bits)] for one, other, bits in sides]
    _write_rows(path, ("file", "label", "other_file", "other_label", "bits"), rows)
    across = sum(map(differ, pairs))
    example = f", such as {rows[0][0]} ({rows[0][1]}) and {rows[0][2]} ({rows[0][3]})" if across else ""
    found = f"pairs that look alike: {len(pairs):,}, with different labels: {across:,}{example}"
    print(f"{found}: {path}", flush=True)


def _write_rows(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = ["\t".join(row) + "\n" for row in (columns, *rows)]
    path.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
