"""Comparison of an ONNX program in onnxruntime with the StableHLO program, before the former is written."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from jaxtyping import Float

from recog.codecs import BoxCodec, ClassCodec
from recog.export.files import PROGRAM, ArtifactError
from recog.export.onnx.emit import Emitted, parts_of
from recog.export.onnx.first_layer import first_difference
from recog.export.onnx.pictures import FLOAT
from recog.export.onnx.samples import Pictures, batches, make_pictures
from recog.export.onnx_program import make_program
from recog.preprocess import Preprocess
from recog.tasks.task import Task

TOLERANCE = 1e-4
"""Maximum difference of probabilities, and of positions relative to the largest."""

Outputs = Mapping[str, np.ndarray]
Predict = Callable[[np.ndarray, np.ndarray], Mapping[str, Any]]
"""Function from pictures and sizes to predictions, such as a `recog.export.program.Program`."""


class ParityError(ArtifactError):
    """The predictions of an ONNX program differ from those of the StableHLO program."""


class Parity(NamedTuple):
    """Agreement of an ONNX program with the StableHLO program."""

    pictures: int
    """Number of compared pictures."""
    difference: float
    """Maximum difference; see `TOLERANCE`."""


def check_parity(
    emitted: Emitted, reference: Predict, task: Task, arrays: Mapping[str, np.ndarray], preprocess: Preprocess
) -> Parity:
    """Compares predictions for drawn and random pictures of many widths and batch sizes.

    Args:
      emitted: ONNX program.
      reference: StableHLO program.
      task: task of both, by whose model the first layer that differs is found.
      arrays: parameters by their flat names.
      preprocess: preprocessing of the pictures.

    Raises:
      ParityError: tokens differ where no two classes are nearly as probable, or a number differs by more than
        `TOLERANCE`; names the first layer that differs.
    """
    pictures = make_pictures(preprocess)
    wanted = {name: np.asarray(array) for name, array in reference(*pictures).items()}
    run = _as_floats(emitted) if emitted.options.layout == FLOAT else _program(emitted, task)
    together = getattr(task.model.config, "context", "") == "batch"  # such predictions depend on the whole batch
    compared, difference = 0, 0.0
    for rows in list(batches(len(pictures.sizes)))[: 1 if together else None]:
        found = run(*pictures.some(rows, preprocess))
        for place, row in enumerate(rows):
            name, apart = largest_difference(task, _row(found, place), _row(wanted, row))
            if not apart <= TOLERANCE:
                raise ParityError(_message(emitted, task, arrays, pictures, (name, apart)))
            difference = max(difference, apart)
        compared += len(rows)
    return Parity(compared, difference)


def _program(emitted: Emitted, task: Task) -> Predict:
    return make_program(emitted.model.SerializeToString(), task.codec, parts_of(task))


def _as_floats(emitted: Emitted) -> Predict:
    """Function that runs a program of the layout ``nchw_float`` on pixels."""
    session = onnxruntime.InferenceSession(emitted.model.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(images: np.ndarray, sizes: np.ndarray) -> dict[str, np.ndarray]:
        [probabilities] = session.run(None, {"x": Pictures(images, sizes).as_floats()})
        return {"probabilities": np.asarray(probabilities)}

    return run


def _row(outputs: Outputs, row: int) -> dict[str, np.ndarray]:
    return {name: array[row : row + 1] for name, array in outputs.items()}


def largest_difference(task: Task, found: Outputs, wanted: Outputs) -> tuple[str, float]:
    """Name of the output of one picture that differs most, and by how much; NaN differs from all numbers."""
    match task.codec:
        case ClassCodec():
            names, pair = ("probabilities",), (found, wanted)
        case BoxCodec() as codec:
            names, pair = codec.compared, codec.paired(dict(found), dict(wanted))
        case _:
            return _text_difference(task, found, wanted)
    differences = {name: _relative(*(outputs[name] for outputs in pair)) for name in names}
    return max(differences.items(), key=lambda item: np.nan_to_num(item[1], nan=np.inf))


def _relative(found: np.ndarray, wanted: np.ndarray) -> float:
    scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
    return float(np.max(np.abs(found.astype(np.float64) - wanted), initial=0.0)) / scale


def _text_difference(task: Task, found: Outputs, wanted: Outputs) -> tuple[str, float]:
    largest, tied = ("logits", 0.0), False
    for name in (name for name in wanted if name.startswith("logits")):
        [length] = wanted[name.replace("logits", "logit_lengths")]
        probabilities = _softmax(wanted[name][0, :length])
        tied |= _has_tie(probabilities)
        apart = float(np.max(np.abs(_found_probabilities(task, found, name)[:length] - probabilities), initial=0.0))
        largest = max(largest, (name, apart), key=lambda item: np.nan_to_num(item[1], nan=np.inf))
    if tied:  # where two classes are as probable, either is right, and attention goes on from it
        return ("logits", 0.0) if "logits" not in wanted else largest
    for name in ("tokens", "lengths") if "tokens" in found else ():
        one, other = (outputs[name][0] for outputs in (found, wanted))
        if name == "tokens":
            one, other = one[: wanted["lengths"][0]], other[: wanted["lengths"][0]]
        if not np.array_equal(one, other):
            return name, np.inf
    return largest


def _found_probabilities(task: Task, found: Outputs, name: str) -> Float[np.ndarray, "T K"]:
    if name in found:
        return _softmax(found[name][0])
    first = task.codec.alphabet.blank == "first"
    return np.roll(found["probabilities"][0], 0 if first else -1, axis=-1)


def _softmax(logits: Float[np.ndarray, "T K"]) -> Float[np.ndarray, "T K"]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _has_tie(probabilities: Float[np.ndarray, "T K"]) -> bool:
    """Whether the two most probable classes of a frame are nearly as probable."""
    best = np.sort(probabilities, axis=-1)[:, -2:]
    return bool(np.any(best[:, 1] - best[:, 0] < TOLERANCE))


def _message(
    emitted: Emitted, task: Task, arrays: Mapping[str, np.ndarray], pictures: Pictures, differs: tuple[str, float]
) -> str:
    layer = first_difference(emitted, task, arrays, pictures)
    name, apart = differs
    return (
        f"on random pictures the ONNX program's {name} differ from those of {PROGRAM} by {apart:.3g}, more than "
        f"{TOLERANCE:g}; the first layer that differs is {layer}: no ONNX program was written; report this with "
        "config.json and the versions of onnx and onnxruntime"
    )
