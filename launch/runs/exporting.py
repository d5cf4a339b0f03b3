"""Export of a trained run as a serving artifact."""

from pathlib import Path
from typing import TYPE_CHECKING

from launch.runs.assembly import show_notes
from launch.runs.class_options import ClassOptions
from launch.runs.config import Config, to_json
from launch.runs.decoding import decoded_by
from launch.runs.exported import load_task
from launch.runs.folder import load_run
from launch.runs.tasks import check_model
from recog.cli.decoding import Decoding
from recog.export.check import Agreement
from recog.export.files import FILES, PROGRAM
from recog.export.loading import load_card
from recog.export.write import Provenance, check_free, write_artifact
from recog.serving.named import artifact_folder
from recog.tasks.branches import BranchTask
from recog.zoo import FOLDER as ZOO_FOLDER

if TYPE_CHECKING:  # it imports onnx, which not every installation has
    from recog.export.onnx.emit import OnnxOptions


def export(
    workdir: str | Path,
    out: str | Path,
    decoding: Decoding | None = None,
    height: int | None = None,
    width: int | None = None,
    options: ClassOptions | None = None,
    *,
    half: bool = False,
    onnx: "OnnxOptions | None" = None,
) -> Agreement:
    """Exports the best checkpoint of a run, and prints the files written.

    Args:
      workdir: the run's folder.
      out: folder of the artifact.
      decoding: decoder that the program uses; None takes the best path.
      height: rows of a detector's pictures; None takes those of its training.
      width: columns of a detector's pictures; None takes those of its training.
      options: views and temperature of a classifier; None takes those of the run.
      half: whether to store kernels in half precision.
      onnx: form of an ONNX program to add; None adds none.

    Raises:
      FileExistsError: ``out`` holds files but not an artifact.
      FileNotFoundError: ``workdir`` holds no run.
      ValueError: the decoder, the size or the options do not fit the model, or the ONNX program its task.
      recog.export.check.DisagreementError: predictions of the artifact and the live model differ.
      recog.export.onnx.parity.ParityError: predictions of the artifact and its ONNX program differ.
    """
    out = Path(out)
    check_free(out)
    decoding = decoding or Decoding()
    if onnx and decoding.described():
        raise ValueError("ONNX programs decode by the best path or greedily: leave out --onnx, or the decoder's flags")
    run = (options or ClassOptions()).applied(load_run(workdir))
    if isinstance(run.task, BranchTask):
        decoding.check_whole_texts()
    if decoding.decoder == "lexicon" or decoding.nbest:
        raise ValueError("--decoder=lexicon and --nbest are no part of a program: give them to launch.predict")
    _resize(run.config, height, width)
    task = decoded_by(run.task, decoding)
    if onnx:
        onnx.check(task)
    show_notes(run.task)
    data = run.config.data
    training_data = f"{data.train} without the samples in {data.exclude}" if data.exclude else data.train
    validation_data = data.validation or f"{data.held_out} of the training data, held out"
    if run.imported:
        training_data, validation_data = "{source}, {weights} (sha256 {sha256})".format(**run.imported), "none"
    if data.unlabelled:
        training_data += f", and readings of {data.unlabelled} by {run.config.init_from}"
    if run.adapted_to:
        training_data += f"; batch statistics of {run.adapted_to}"
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
    agreement = write_artifact(out, task, run.variables, provenance, half=half)
    for name in FILES:
        print(f"{(out / name).stat().st_size:>12,}  {out / name}")
    print(
        f"step {run.step:,}; agrees with the live model on {agreement.pictures} random pictures "
        f"({agreement.numbers} integers equal, other numbers within {agreement.difference:.1e})"
    )
    if onnx:
        add_onnx(out, onnx)
    return agreement


def add_onnx(artifact: str | Path, options: "OnnxOptions") -> None:
    """Adds an ONNX program to an artifact, and prints its file.

    Raises:
      recog.export.onnx.parity.ParityError: its predictions differ from those of the artifact's program.
      ValueError: not an artifact, or the settings do not fit it.
    """
    from recog.export.onnx.write import write_onnx

    folder = artifact_folder(artifact)
    if folder.parent == ZOO_FOLDER:
        raise ValueError(f"--artifact={artifact} is part of the package: copy {folder}, and name the copy")
    load_card(folder)  # a message about the folder, before one about its configuration
    path, parity = write_onnx(folder, load_task(folder), options)
    print(f"{path.stat().st_size:>12,}  {path}")
    print(
        f"opset {options.opset}; agrees with {PROGRAM} on {parity.pictures} pictures "
        f"(tokens equal, numbers within {parity.difference:.1e})"
    )


def _resize(config: Config, height: int | None, width: int | None) -> None:
    """Changes the size of a detector's pictures; raises ``ValueError`` for a reader, or a size that does not fit."""
    if height is None and width is None:
        return
    if not config.data.letterbox:
        raise ValueError("--height and --width are for detectors: a reader is exported with the size of its training")
    config.data.height, config.data.width = height or config.data.height, width or config.data.width
    check_model(config)
