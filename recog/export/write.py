"""Export of a trained model as a serving artifact."""

import contextlib
import datetime
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import flax.traverse_util
import jax
import numpy as np
import safetensors.numpy
from jax import export
from jax.interpreters.partial_eval import dce_jaxpr

from recog.export.artifact import Artifact
from recog.export.card import FORMAT, HALF, Card
from recog.export.check import Agreement, check_agreement
from recog.export.files import (
    CARD,
    CARD_TEXT,
    CODEC,
    CONFIG,
    FILES,
    ONNX,
    ONNX_FLOAT,
    PARAMETERS,
    PROGRAM,
    VERIFIED,
    sha256,
)
from recog.export.half import in_half, rounded
from recog.preprocess import Preprocess
from recog.tasks.task import Task, Variables
from recog.version import own_version

PLATFORMS = ("cpu", "cuda", "tpu")
"""Platforms that the program is lowered for."""


class Provenance(NamedTuple):
    """Facts about a model from its training run."""

    config: dict[str, Any]
    """Configuration of the run, for JSON."""
    settings: dict[str, Any]
    """Settings of the architecture, a part of the configuration."""
    preprocess: Preprocess
    """Preprocessing of its pictures."""
    training_data: str
    """Source of the training samples."""
    validation_data: str
    """Source of the validation samples."""
    step: int
    """Number of batches trained on; 0 for imported weights."""
    metrics: dict[str, float]
    """Rates on the validation data at that step."""
    decoder: dict[str, Any] | None = None
    """Settings of the decoder in the program; None or empty for the best path."""


def write_artifact(
    folder: str | Path, task: Task, variables: Variables, provenance: Provenance, *, half: bool = False
) -> Agreement:
    """Exports a trained model, compares the export with the live model, and then writes the folder.

    Args:
      folder: a new or empty folder, or an artifact to replace; other files in it are kept.
      task: task with the model and its codec.
      variables: trained variables.
      provenance: further facts for the card.
      half: whether to round kernels to half precision, before the comparison, and to store them so.

    Returns:
      Agreement of the artifact with the live model.

    Raises:
      FileExistsError: the folder holds files but not an artifact.
      DisagreementError: predictions of the artifact and the live model differ.
      ValueError: a kernel cannot be rounded to half precision.
    """
    folder, variables = Path(folder).absolute(), rounded(variables) if half else variables
    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        part = Path(temporary)
        _write_files(part, task, variables, provenance, half)
        with jax.default_device(jax.local_devices(backend="cpu")[0]):  # rounding on accelerators depends on autotuning
            agreement = check_agreement(Artifact.load(part), task, variables)
        folder.mkdir(exist_ok=True)
        for name in FILES:
            (part / name).replace(folder / name)
        for name in (ONNX, ONNX_FLOAT):  # of the artifact that was replaced
            (folder / name).unlink(missing_ok=True)
    return agreement


def check_free(folder: Path) -> None:
    """Raises ``FileExistsError`` unless the folder is new, empty or an artifact."""
    if not folder.exists() or all((folder / name).is_file() for name in (CARD, PROGRAM)):
        return
    if not folder.is_dir():
        raise FileExistsError(f"{folder} is a file: choose a new folder for the artifact")
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} holds files but not an artifact: choose a new or an empty folder")


def _write_files(folder: Path, task: Task, variables: Variables, provenance: Provenance, half: bool) -> None:
    arrays = flax.traverse_util.flatten_dict(variables, sep="/")
    preprocess = provenance.preprocess
    parameters = used_by_predict(task, {name: np.asarray(x, order="C") for name, x in arrays.items()}, preprocess)
    (folder / PROGRAM).write_bytes(make_program(task, parameters, preprocess).serialize())
    (folder / PARAMETERS).write_bytes(
        safetensors.numpy.save(in_half(parameters) if half else parameters)
    )  # save_file makes the file unreadable for other users
    _write_json(folder / CODEC, task.codec.to_json() | task.serving)
    _write_json(folder / CONFIG, provenance.config)
    card = Card(
        architecture=type(task.model).__name__,
        settings=provenance.settings,
        parameters=sum(array.size for name, array in parameters.items() if name.startswith("params/")),
        preprocess=preprocess,
        training_data=provenance.training_data,
        validation_data=provenance.validation_data,
        step=provenance.step,
        metrics=provenance.metrics,
        decoder=provenance.decoder or {},
        exported=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        versions={"jax": jax.__version__, "recog": own_version()},
        sha256={name: sha256(folder / name) for name in VERIFIED},
        format=HALF if half else FORMAT,
    )
    (folder / CARD).write_text(card.to_json(), encoding="utf-8")
    (folder / CARD_TEXT).write_text(card.to_markdown(task.codec), encoding="utf-8")


def make_program(task: Task, parameters: dict[str, np.ndarray], preprocess: Preprocess) -> export.Exported:
    """Exports ``(parameters, images uint8 B H W C, sizes int32 B 2) ->`` predictions by name, for any ``B``.

    Parameters are arguments by their flat names, so that the program is small and independent of training.

    Args:
      task: task that predicts.
      parameters: variables that `Task.predict` uses, by their flat names.
      preprocess: height, width and channels of the pictures; width 0 allows any width.
    """
    rows, columns = export.symbolic_shape("b, w")
    images = rows, preprocess.height, preprocess.width or columns, preprocess.channels
    return _export(task, parameters, images, PLATFORMS)


def used_by_predict(task: Task, parameters: dict[str, Any], preprocess: Preprocess) -> dict[str, Any]:
    """Selects the variables (arrays or shapes, by flat names) that `Task.predict` uses; only traces it."""
    images = 1, preprocess.height, preprocess.width or 2 * preprocess.height, preprocess.channels
    jaxpr = jax.make_jaxpr(_prediction(task))(*_shapes(parameters, images)).jaxpr
    _, used = dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars))
    names = sorted(parameters)  # order of a dictionary's leaves as a pytree
    return {name: parameters[name] for name, kept in zip(names, used, strict=False) if kept}


def _export(task: Task, parameters: dict[str, Any], images: tuple, platforms: tuple[str, ...]) -> export.Exported:
    with _without_source_locations():
        return export.export(jax.jit(_prediction(task)), platforms=platforms)(*_shapes(parameters, images))


def _prediction(task: Task) -> Callable:
    """`Task.predict` as a function of variables by their flat names."""

    def predict(parameters, images, sizes):
        return task.predict(flax.traverse_util.unflatten_dict(parameters, sep="/"), images, sizes)

    return predict


def _shapes(parameters: dict[str, Any], images: tuple) -> tuple:
    """Abstract arguments of `_prediction`."""
    return (
        {name: jax.ShapeDtypeStruct(array.shape, array.dtype) for name, array in parameters.items()},
        jax.ShapeDtypeStruct(images, np.uint8),
        jax.ShapeDtypeStruct((images[0], 2), np.int32),
    )


@contextlib.contextmanager
def _without_source_locations() -> Iterator[None]:
    """Context that leaves source paths out of programs, so that they do not depend on the exporting machine."""
    before = jax.config.values["jax_traceback_in_locations_limit"]
    jax.config.update("jax_traceback_in_locations_limit", 0)
    try:
        yield
    finally:
        jax.config.update("jax_traceback_in_locations_limit", before)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
