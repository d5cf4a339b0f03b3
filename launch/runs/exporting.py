"""Export of a trained run as a serving artifact."""

from pathlib import Path

from launch.runs.assembly import show_notes
from launch.runs.class_options import ClassOptions
from launch.runs.config import Config, to_json
from launch.runs.decoding import Decoding, decoded_by
from launch.runs.folder import load_run
from launch.runs.tasks import check_model
from recog.export.check import Agreement
from recog.export.files import FILES
from recog.export.write import Provenance, check_free, write_artifact
from recog.tasks.branches import BranchTask


def export(
    workdir: str | Path,
    out: str | Path,
    decoding: Decoding | None = None,
    height: int | None = None,
    width: int | None = None,
    options: ClassOptions | None = None,
) -> Agreement:
    """Exports the best checkpoint of a run, and prints the files written.

    Args:
      workdir: the run's folder.
      out: folder of the artifact.
      decoding: decoder that the program uses; None takes the best path.
      height: rows of a detector's pictures; None takes those of its training.
      width: columns of a detector's pictures; None takes those of its training.
      options: views and temperature of a classifier; None takes those of the run.

    Raises:
      FileExistsError: ``out`` holds files but not an artifact.
      FileNotFoundError: ``workdir`` holds no run.
      ValueError: the decoder, the size or the options do not fit the model.
      recog.export.check.DisagreementError: predictions of the artifact and the live model differ.
    """
    out = Path(out)
    check_free(out)
    run, decoding = (options or ClassOptions()).applied(load_run(workdir)), decoding or Decoding()
    if isinstance(run.task, BranchTask):
        decoding.check_whole_texts()
    if decoding.decoder == "lexicon" or decoding.nbest:
        raise ValueError("--decoder=lexicon and --nbest are no part of a program: give them to launch.predict")
    _resize(run.config, height, width)
    task = decoded_by(run.task, decoding)
    show_notes(run.task)
    data = run.config.data
    training_data = f"{data.train} without the samples in {data.exclude}" if data.exclude else data.train
    validation_data = data.validation or f"{data.held_out} of the training data, held out"
    if run.imported:
        training_data, validation_data = "{source}, {weights} (sha256 {sha256})".format(**run.imported), "none"
    provenance = Provenance(
        config=to_json(run.config),
        settings=to_json(run.config.model),
        preprocess=data.preprocess,
        training_data=training_data,
        validation_data=validation_data,
        step=run.step,
        metrics=run.metrics,
        decoder=decoding.described(),
    )
    agreement = write_artifact(out, task, run.variables, provenance)
    for name in FILES:
        print(f"{(out / name).stat().st_size:>12,}  {out / name}")
    print(
        f"step {run.step:,}; agrees with the live model on {agreement.pictures} random pictures "
        f"({agreement.numbers} integers equal, other numbers within {agreement.difference:.1e})"
    )
    return agreement


def _resize(config: Config, height: int | None, width: int | None) -> None:
    """Changes the size of a detector's pictures; raises ``ValueError`` for a reader, or a size that does not fit."""
    if height is None and width is None:
        return
    if not config.data.letterbox:
        raise ValueError("--height and --width are for detectors: a reader is exported with the size of its training")
    config.data.height, config.data.width = height or config.data.height, width or config.data.width
    check_model(config)
