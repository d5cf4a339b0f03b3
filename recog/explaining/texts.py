"""Evidence for the characters of texts."""

import functools

import numpy as np
from jaxtyping import Array, Int, UInt8

from recog.decoded import Decoded
from recog.explaining.by_attention import attend
from recog.explaining.by_gradient import differentiate
from recog.explaining.chunks import in_chunks
from recog.explaining.evidence import Asked, Evidence
from recog.explaining.origins import Origins, origins_of
from recog.structure import WHOLE
from recog.tasks.branches import BranchTask
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Variables


def find_evidence(
    task: ReadingTask | BranchTask,
    variables: Variables,
    images: UInt8[np.ndarray, "B H W C"],
    sizes: Int[np.ndarray, "B 2"],
) -> tuple[Origins, Evidence]:
    """Reads pictures with the task's decoder, and finds the evidence for each character of the texts."""
    readings = in_chunks(functools.partial(_read, task), variables, (images, sizes))
    structure = task.structure if isinstance(task, BranchTask) else WHOLE
    origins = origins_of(structure, task.codec.alphabet, readings)
    trimmed = {name: _trimmed(reading) for name, reading in readings.items()}
    asked = Asked(images, sizes, trimmed, origins.branches, origins.slots)
    if isinstance(task, BranchTask) and task.model.config.decoder == "attention":
        return origins, in_chunks(functools.partial(attend, task), variables, asked)
    return origins, in_chunks(functools.partial(differentiate, task), variables, asked)


def _read(
    task: ReadingTask | BranchTask, variables: Variables, arrays: tuple[UInt8[Array, "B H W C"], Int[Array, "B 2"]]
) -> dict[str, Decoded]:
    """Readings by branch; of undivided texts by the name of the one branch that `WHOLE` has."""
    if isinstance(task, BranchTask):
        return task.readings(variables, *arrays)
    prediction = task.predict(variables, *arrays)
    return {WHOLE.branches[0].name: Decoded(*(prediction[field] for field in Decoded._fields))}


def _trimmed(reading: Decoded) -> tuple[Int[np.ndarray, "B L"], Int[np.ndarray, " B"]]:
    """Tokens of a reading in no more slots than are used, at least one, and their number."""
    return reading.tokens[:, : max(1, int(reading.lengths.max(initial=0)))], reading.lengths
