"""Prediction for pictures of one text or one class each, for the command line."""

import json
import sys
from collections.abc import Sequence

from tqdm import tqdm

from recog.cli.decoding import Decoding, artifact_decoded_by
from recog.codecs import BoxCodec, ClassCodec, Reading
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.serving.files import find_pictures, read_files
from recog.serving.named import artifact_folder

TOGETHER = 32
"""Number of pictures that are read together."""


def print_lines(
    artifact: str,
    names: Sequence[str],
    decoding: Decoding,
    batch_size: int | None = None,
    top: int | None = None,
    runtime: str = "jax",
) -> int:
    """Prints a line for each picture, in order, and one on stderr for each that cannot be read; returns their number.

    Args:
      artifact: folder of the artifact of a reader or a classifier.
      names: files and folders.
      decoding: decoder.
      batch_size: number of pictures that are read together; None takes `TOGETHER`.
      top: number of classes to list for each picture; None prints the most probable one.
      runtime: runtime of the artifact (`Artifact.load`).

    Raises:
      ArtifactError: the artifact is that of a detector.
      ValueError: the decoder or ``top`` does not suit the labels.
    """
    model, batch_size = artifact_decoded_by(_load_reader(artifact, runtime), decoding), batch_size or TOGETHER
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


def _load_reader(folder: str, runtime: str) -> Artifact:
    artifact = Artifact.load(artifact_folder(folder), runtime)
    if artifact.codec.kind == BoxCodec.kind:
        raise ArtifactError(f"{folder} is the artifact of a detector: name it with --detector={folder}")
    return artifact


def json_line(key: str, name: str, readings: Sequence[Reading]) -> str:
    """A picture and its readings as a line of JSON."""
    listed = [{"text": reading.text, "confidence": float(f"{reading.confidence:.4g}")} for reading in readings]
    return json.dumps({key: name, "readings": listed}, ensure_ascii=False)


def hides_progress() -> bool:
    """Whether a progress bar would disturb the lines of a terminal, or go where nobody sees it."""
    return sys.stdout.isatty() or not sys.stderr.isatty()
