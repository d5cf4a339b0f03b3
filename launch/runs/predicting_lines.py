"""Prediction for pictures of one text or one class each, for the command line."""

import sys
from collections.abc import Sequence

from tqdm import tqdm

from launch.runs.decoding import Decoding, artifact_decoded_by
from launch.runs.host_decoding import json_line
from recog.codecs import BoxCodec, ClassCodec
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.serving.files import find_pictures, read_files

TOGETHER = 32
"""Number of pictures that are read together."""


def print_lines(
    artifact: str, names: Sequence[str], decoding: Decoding, batch_size: int | None = None, top: int | None = None
) -> int:
    """Prints a line for each picture, in order, and one on stderr for each that cannot be read; returns their number.

    Args:
      artifact: folder of the artifact of a reader or a classifier.
      names: files and folders.
      decoding: decoder.
      batch_size: number of pictures that are read together; None takes `TOGETHER`.
      top: number of classes to list for each picture; None prints the most probable one.

    Raises:
      ArtifactError: the artifact is that of a detector.
      ValueError: the decoder or ``top`` does not suit the labels.
    """
    model, batch_size = artifact_decoded_by(_load_reader(artifact), decoding), batch_size or TOGETHER
    if top and model.codec.kind != ClassCodec.kind:
        raise ValueError("--top lists the classes of a classifier; for a reader, use --nbest with a decoder")
    count = top or decoding.nbest
    paths, failed = find_pictures(names), 0
    outcomes = read_files(model, paths, batch_size, count)
    hidden = hides_progress() or len(paths) <= batch_size
    for path, outcome in tqdm(outcomes, "predict", len(paths), unit="image", disable=hidden, dynamic_ncols=True):
        if isinstance(outcome, str):
            failed += 1
            print(f"error: {path}: {outcome}", file=sys.stderr, flush=True)
        elif count:
            print(json_line("path", str(path), outcome), flush=True)
        else:
            print(f"{path}\t{outcome[0].text}\t{outcome[0].confidence:.4f}", flush=True)
    return failed


def _load_reader(folder: str) -> Artifact:
    artifact = Artifact.load(folder)
    if artifact.codec.kind == BoxCodec.kind:
        raise ArtifactError(f"{folder} is the artifact of a detector: name it with --detector={folder}")
    return artifact


def hides_progress() -> bool:
    """Whether a progress bar would disturb the lines of a terminal, or go where nobody sees it."""
    return sys.stdout.isatty() or not sys.stderr.isatty()
