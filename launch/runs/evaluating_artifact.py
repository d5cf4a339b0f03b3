"""Evaluation of an artifact of any kind."""

import contextlib
from pathlib import Path

from datasets.pipeline import DataConfig
from datasets.specs import open_source
from launch.runs.data import check, needs_to_measure, one_pass
from launch.runs.decoding import decoding_on_host
from launch.runs.evaluation_files import further_entries, write_files
from recog.cli.decoding import Decoding, artifact_decoded_by
from recog.export.artifact import Artifact
from recog.preprocess import Preprocess
from recog.serving.artifact_evaluator import ArtifactEvaluator
from recog.serving.named import artifact_folder

BATCH_SIZE = 32
"""Number of pictures that are predicted together."""


def evaluate_artifact(
    artifact: str,
    data: str,
    out: str | Path = "",
    on_bad_sample: str = "raise",
    decoding: Decoding | None = None,
) -> dict[str, float]:
    """Predicts all samples once, and reports as `launch.runs.evaluating.evaluate` does for a run.

    Args:
      artifact: name or folder of the artifact of a reader, a classifier or a detector.
      data: source of labelled samples.
      out: folder for the files of the evaluation; empty writes none.
      on_bad_sample: ``raise`` or ``skip`` samples that cannot be used.
      decoding: decoder of a reader; None takes that of the artifact.

    Raises:
      ArtifactError: not an artifact, or damaged.
      ValueError: an argument or the samples do not suit the model.
    """
    if out:  # before a long computation whose results could not be written
        Path(out).mkdir(parents=True, exist_ok=True)
    model, decoding = Artifact.load(artifact_folder(artifact)), decoding or Decoding()
    settings, codec = settings_of(model.card.preprocess, on_bad_sample), model.codec.for_measuring()
    decoding.check(codec)
    samples = check(open_source(data), needs_to_measure(settings, codec), on_bad_sample, "samples")
    on_host = decoding_on_host(model.codec, decoding, samples, whole_texts=model.reads_whole_texts, frames=model.frames)
    model = model if on_host else artifact_decoded_by(model, decoding)
    with contextlib.closing(one_pass(samples, settings, codec)) as stream:
        evaluation = ArtifactEvaluator(model, on_host)(stream)
    further = further_entries(evaluation, samples, on_host)
    if evaluation.hint and not decoding.restricts:
        print(evaluation.hint)
    if not out:
        return evaluation.report() | further
    lists = on_host if decoding.nbest else None
    return write_files(Path(out), evaluation, samples, settings.preprocess, further, lists)


def settings_of(preprocess: Preprocess, on_bad_sample: str) -> DataConfig:
    """Loading of samples as the artifact takes pictures."""
    return DataConfig(
        height=preprocess.height,
        width=preprocess.width,
        channels=preprocess.channels,
        filters=preprocess.filters,
        rotate_tall=preprocess.rotate_tall,
        letterbox=preprocess.letterbox,
        batch_size=BATCH_SIZE,
        on_bad_sample=on_bad_sample,
    )
