"""Addition of an ONNX program to an artifact."""

import dataclasses
from pathlib import Path

import numpy as np
import safetensors.numpy

from recog.codecs import Codec
from recog.export.card import Card
from recog.export.files import CARD, CARD_TEXT, ONNX, ONNX_FLOAT, PARAMETERS, ArtifactError, sha256
from recog.export.half import in_single
from recog.export.loading import load_card
from recog.export.onnx.emit import OnnxOptions, emit
from recog.export.onnx.parity import Parity, check_parity
from recog.export.onnx.pictures import FLOAT
from recog.export.program import Program
from recog.export.stablehlo_program import StableHloProgram, load_program
from recog.export.write import make_program
from recog.tasks.task import Task


def write_onnx(folder: str | Path, task: Task, options: OnnxOptions) -> tuple[Path, Parity]:
    """Writes the ONNX program of an artifact from its parameters, if it agrees with the StableHLO program.

    Args:
      folder: artifact, whose card gets the digest of the new file.
      task: task that the artifact was exported from, in float32.
      options: form of the program.

    Returns:
      The file, and the agreement of the programs.

    Raises:
      ArtifactError: not an artifact, or one whose program decodes by a search.
      ParityError: the programs differ.
      ValueError: the options do not fit the model.
    """
    folder = Path(folder)
    card = load_card(folder)
    if card.decoder:
        raise ArtifactError(
            f"{folder} decodes with {card.decoder}, ONNX programs by the best path or greedily: export the run again "
            "without the decoder's flags"
        )
    arrays = in_single(safetensors.numpy.load_file(folder / PARAMETERS))
    emitted = emit(task, arrays, card.preprocess, options, {"card": card.to_json()})
    parity = check_parity(emitted, _reference(folder, card, task, arrays), task, arrays, card.preprocess)
    path = folder / (ONNX_FLOAT if options.layout == FLOAT else ONNX)
    part = path.with_suffix(".part")
    part.write_bytes(emitted.model.SerializeToString())
    part.replace(path)
    _update_card(folder, card, task.codec, path)
    return path, parity


def _reference(folder: Path, card: Card, task: Task, arrays: dict[str, np.ndarray]) -> Program:
    """The StableHLO program; of a model in bfloat16, one in float32, in which ONNX programs compute."""
    if card.settings.get("dtype", "float32") == "float32":
        return load_program(folder, card)
    return StableHloProgram(make_program(task, arrays, card.preprocess), arrays)


def _update_card(folder: Path, card: Card, codec: Codec, path: Path) -> None:
    """Adds the digest of a file to both cards."""
    card = dataclasses.replace(card, sha256=card.sha256 | {path.name: sha256(path)})
    (folder / CARD_TEXT).write_text(card.to_markdown(codec), encoding="utf-8")
    part = folder / f"{CARD}.part"
    part.write_text(card.to_json(), encoding="utf-8")
    part.replace(folder / CARD)
