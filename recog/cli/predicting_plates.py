"""Reading of whole photographs, for the command line."""

import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

from tqdm import tqdm

from recog.cli.decoding import Decoding, artifact_decoded_by
from recog.cli.predicting_lines import hides_progress
from recog.export.artifact import Artifact
from recog.metrics.boxes import THRESHOLD
from recog.serving.drawn_plates import DrawnFolder
from recog.serving.files import PICTURES, find_pictures
from recog.serving.named import artifact_folder
from recog.serving.plate_reader import PICTURES as TOGETHER
from recog.serving.plate_reader import Plate, PlateReader
from recog.serving.shots import VIDEOS, Shot, count_shots, is_video, list_shots, read_shots


class PlateOptions(NamedTuple):
    """Settings of the command; None takes the usual value."""

    threshold: float | None = None
    """Minimum score of a detection (`THRESHOLD`)."""
    draw: str | None = None
    """Folder for photographs with outlines and texts; None draws none."""
    every: int | None = None
    """Reads every n-th frame of videos (1)."""
    batch_size: int | None = None
    """Number of photographs that are read together (`TOGETHER`)."""
    runtime: str = "jax"
    """Runtime of the artifacts (`Artifact.load`)."""


def load_plate_reader(
    detector: str,
    artifact: str | None,
    decoding: Decoding,
    threshold: float | None,
    batch_size: int | None = None,
    runtime: str = "jax",
) -> PlateReader:
    """Loads the artifacts of a detector and of a reader, or of a detector alone.

    Raises:
      ValueError: an artifact is not of its kind, or the decoder does not fit.
    """
    if decoding.nbest:
        raise ValueError("--nbest lists the texts of pictures of one text each, not of photographs: leave it out")
    if not artifact and decoding != Decoding():
        given = [f"--{name}" for name, value in vars(decoding).items() if value not in (None, "")]
        raise ValueError(f"{' and '.join(given)} decode texts: name their reader with --artifact, or leave them out")
    return PlateReader(
        Artifact.load(artifact_folder(detector), runtime),
        artifact_decoded_by(Artifact.load(artifact_folder(artifact), runtime), decoding) if artifact else None,
        THRESHOLD if threshold is None else threshold,
        batch_size=batch_size or TOGETHER,
    )


def print_plates(
    detector: str, artifact: str | None, names: Sequence[str], decoding: Decoding, options: PlateOptions
) -> int:
    """Prints a line of JSON for each photograph, and one on stderr for each that cannot be read; returns their number.

    Args:
      detector: folder of a detector's artifact.
      artifact: folder of a reader's artifact; None finds plates without reading them.
      names: picture files, videos, and folders with both.
      decoding: decoder of the reader.
      options: further settings.

    Raises:
      ValueError: settings that do not fit each other or the artifacts.
    """
    paths = find_pictures(names, (*PICTURES, *VIDEOS))
    if options.every and not any(map(is_video, paths)):
        raise ValueError(f"--every={options.every} takes frames of videos, and there are none: leave it out")
    plate_reader = load_plate_reader(
        detector, artifact, decoding, options.threshold, options.batch_size, options.runtime
    )
    drawn = DrawnFolder(options.draw, paths) if options.draw else None
    every, batch_size, failed = options.every or 1, options.batch_size or TOGETHER, 0
    total = count_shots(paths, every)
    hidden = hides_progress() or (total is not None and total <= batch_size)
    outcomes = read_shots(plate_reader, list_shots(paths, every), batch_size)
    for shot, outcome in tqdm(outcomes, "predict", total, unit="image", disable=hidden, dynamic_ncols=True):
        if isinstance(outcome, str):
            failed += 1
            print(f"error: {shot.path}: {outcome}", file=sys.stderr, flush=True)
            continue
        print(_line(shot, outcome.plates), flush=True)
        if drawn:
            drawn.write(shot.path, outcome.pixels, outcome.plates, shot.frame)
    return failed


def _line(shot: Shot, plates: list[Plate]) -> str:
    line: dict = {"file": str(shot.path)}
    if shot.frame is not None and shot.seconds is not None:
        line |= {"frame": shot.frame, "seconds": round(shot.seconds, 3)}
    return json.dumps(line | {"plates": [plate.to_json() for plate in plates]}, ensure_ascii=False)
