"""Submission for a contest such as Kaggle's Dogs vs. Cats Redux: the probability of one of two classes by picture."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8
from tqdm import tqdm

from recog.codecs import ClassCodec
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.metrics.classes import CLIP, shares
from recog.serving.files import find_pictures, predict_files
from recog.serving.named import artifact_folder

TOGETHER = 32
"""Number of pictures that are predicted together, unless another number is given."""
NAMED = 10
"""Maximum number of files that an error lists."""


class Choices(NamedTuple):
    """Settings of a submission; None takes the default."""

    clip: float | None = None
    """Probabilities are clipped to this and one minus this (`recog.metrics.classes.CLIP`)."""
    positive: str | None = None
    """Class whose probability is written (the last one)."""
    batch_size: int | None = None
    """Number of pictures that are predicted together (`TOGETHER`)."""
    runtime: str = "jax"
    """Runtime of the artifact (`Artifact.load`)."""


def write_submission(folder: str, names: Sequence[str], out: str | Path, choices: Choices) -> None:
    """Predicts pictures named ``N.jpg`` and writes a CSV file with the columns ``id,label``, sorted by number.

    The probabilities of the two classes sum to 1: sigmoids are divided by their sum. The file is written as a whole, or
    not at all if a picture cannot be used.

    Args:
      folder: artifact of a classifier of two classes.
      names: pictures, and folders with pictures.
      out: file to write.
      choices: class, clipping and batches.

    Raises:
      ArtifactError: the artifact is not that of a classifier of two classes.
      OSError: the file cannot be written.
      ValueError: an unknown class, a name that is not a number, a number that occurs twice, or a picture that cannot be
        read; lists the files.
    """
    out, clip = Path(out).expanduser(), CLIP if choices.clip is None else choices.clip
    if out.is_dir():
        raise ValueError(f"--submission={out} is a folder: name a file, such as {out / 'submission.csv'}")
    paths = numbered(find_pictures(names))
    artifact = Artifact.load(artifact_folder(folder), choices.runtime)
    positive = _positive(artifact, folder, choices.positive)
    out.parent.mkdir(parents=True, exist_ok=True)  # before a long computation whose result could not be written
    found = _probabilities(artifact, paths, positive, choices.batch_size or TOGETHER)
    label = np.clip(found, clip, 1 - clip)
    part = out.with_name(f".{out.name}.part")
    part.write_text(
        "id,label\n" + "".join(f"{number},{value:.8g}\n" for number, value in zip(paths, label, strict=True))
    )
    part.replace(out)
    name, clipped = artifact.codec.class_names[positive], int(np.sum(label != found))
    print(f"{out}: {len(paths):,} probabilities of {name!r}, of which {clipped:,} were clipped to {clip} or {1 - clip}")
    print(f"{np.mean(found > 0.5):.1%} of the pictures are {name!r}")
    if lacking := _lacking(list(paths)):
        print(f"note: {lacking}")


def numbered(paths: Sequence[Path]) -> dict[int, Path]:
    """Pictures by the numbers that are their names, in increasing order.

    Raises:
      ValueError: a path that is not a file, a name that is not a number, or a number that occurs twice; lists them.
    """
    if missing := [str(path) for path in paths if not path.is_file()]:
        raise ValueError(f"neither files nor folders with pictures:{_listed(missing)}")
    found: dict[int, Path] = {}
    odd, twice = [], []
    for path in paths:
        if not (path.stem.isascii() and path.stem.isdecimal()):
            odd.append(str(path))
        elif (number := int(path.stem)) in found:
            twice.append(f"{path} and {found[number]}")
        else:
            found[number] = path
    if odd:
        raise ValueError(
            f"rename these {len(odd):,} files by their ids, such as 12.jpg, or leave them out:{_listed(odd)}"
        )
    if twice:
        raise ValueError(f"ids of several pictures ({len(twice):,}): leave out all but one of each:{_listed(twice)}")
    return dict(sorted(found.items()))


def _positive(artifact: Artifact, folder: str, name: str | None) -> int:
    """Index of the class whose probability is written."""
    names = artifact.codec.class_names
    if not isinstance(artifact.codec, ClassCodec) or len(names) != 2:
        kind = f"a classifier of {len(names)} classes" if isinstance(artifact.codec, ClassCodec) else "no classifier"
        raise ArtifactError(f"{folder} is {kind}: --submission needs the artifact of a classifier of two classes")
    if name is not None and name not in names:
        raise ValueError(f"--positive={name}: choose {' or '.join(names)}")
    return names.index(name) if name is not None else len(names) - 1


def _probabilities(
    artifact: Artifact, paths: Mapping[int, Path], positive: int, batch_size: int
) -> Float[np.ndarray, " N"]:
    """Probability of a class for each picture; raises ``ValueError`` that lists those that cannot be read."""

    def predict(images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"]) -> list[float]:
        return shares(artifact.predict(images, sizes)["probabilities"])[:, positive].tolist()

    outcomes = predict_files(
        artifact.fit, lambda fitted: artifact.in_groups(fitted, predict), list(paths.values()), batch_size
    )
    found, failed = [], []
    for path, outcome in tqdm(outcomes, "predict", len(paths), unit="image", disable=None, dynamic_ncols=True):
        if isinstance(outcome, str):
            failed.append(f"{path}: {outcome}")
        else:
            found.append(outcome)
    if failed:
        raise ValueError(
            f"{len(failed):,} of {len(paths):,} pictures cannot be read, so that nothing was written: replace them:"
            f"{_listed(failed)}"
        )
    return np.array(found)


def _listed(entries: Sequence[str]) -> str:
    """The first entries, one a line."""
    more = [f"... and {len(entries) - NAMED:,} more"] if len(entries) > NAMED else []
    return "".join(f"\n  {entry}" for entry in [*entries[:NAMED], *more])


def _lacking(numbers: list[int]) -> str:
    """Note on numbers that are missing between the first and the last; empty if none is."""
    count = numbers[-1] - numbers[0] + 1 - len(numbers)
    if not count:
        return ""
    first = next(number for number, after in itertools.pairwise(numbers) if after > number + 1) + 1
    return f"{count:,} ids between {numbers[0]} and {numbers[-1]} have no picture, such as {first}"
