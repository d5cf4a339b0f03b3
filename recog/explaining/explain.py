"""Explanation of the predictions of any task."""

import numpy as np
from jaxtyping import Int, UInt8

from recog.codecs import TextTargets
from recog.explaining.classes import find_class_evidence
from recog.explaining.drawn import drawings_of, draws
from recog.explaining.evidence import Evidence
from recog.explaining.explanation import Explanation
from recog.explaining.projection import project, scale
from recog.explaining.rectified import corners_of, rectified_picture
from recog.explaining.texts import find_evidence
from recog.structure import WHOLE
from recog.tasks.branches import BranchTask
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task, Variables


def explain(
    task: Task,
    variables: Variables,
    images: UInt8[np.ndarray, "B H W C"],
    sizes: Int[np.ndarray, "B 2"],
    targets: TextTargets | None = None,
) -> list[Explanation]:
    """Explains the predictions for padded pictures, as the task's own decoder reads them.

    Texts by CTC and classes are explained by Grad-CAM (`recog.explaining.gradcam`), texts by attention decoders by
    their attention. A separator that is inserted between the parts of a text has no evidence. Detectors have boxes to
    look at, and no maps.

    Programs are compiled once for all pictures of a call, whatever their number: call it once with all of them.

    Example::

      for each in explain(task, variables, images, sizes):
        for character, evidence in zip(each.characters, each.maps):
          plt.imshow(evidence)  # H W, 0 to 1

    Args:
      task: task that predicts.
      variables: variables of its model, with those of a drawing head if drawings are wanted.
      images: pictures, padded on the right and at the bottom.
      sizes: height and width of each picture; explanations of rows without a picture (zeros) are empty.
      targets: labels of a reader's pictures, as its codec encodes them, to be drawn beside the network's drawings.

    Raises:
      ValueError: the task's model marks no feature map (`recog.ops.feature_map`).
    """
    images, sizes = np.asarray(images), np.asarray(sizes)
    if not len(images):
        return []
    match task:
        case ReadingTask() | BranchTask():
            found = _explain_texts(task, variables, images, sizes)
        case ClassifyingTask():
            found = _explain_classes(task, variables, images, sizes)
        case _:
            found = [Explanation() for _ in images]
    if isinstance(task, ReadingTask) and draws(task, variables):
        drawn = drawings_of(task, variables, images, sizes, targets)
        found = [each._replace(drawn=drawing) for each, drawing in zip(found, drawn, strict=True)]
    return [each if size.all() else Explanation() for each, size in zip(found, sizes, strict=True)]


def _explain_texts(task: ReadingTask | BranchTask, variables: Variables, images, sizes) -> list[Explanation]:
    origins, evidence = find_evidence(task, variables, images, sizes)
    names, padded = task.codec.class_names, images.shape[1:3]
    structure = task.structure if isinstance(task, BranchTask) else WHOLE
    explained = []
    for row, (height, width) in enumerate(sizes):
        length = origins.lengths[row]
        matrix = None if evidence.matrices is None else evidence.matrices[row]
        maps = project(evidence.maps[row, :length], padded, matrix)[:, :height, :width]
        characters = tuple(names[token] for token in origins.tokens[row, :length])
        heats = {
            branch.name: evidence.heats[branch.name][row, : evidence.lengths[branch.name][row]]
            for branch in structure.branches
        }
        explained.append(Explanation(characters, scale(maps), heats, *_rectification(row, evidence, padded)))
    return explained


def _rectification(row: int, evidence: Evidence, padded: tuple[int, int]):
    """Rectified picture and its corners; None twice without a spatial transformer."""
    if evidence.rectified is None or evidence.matrices is None:
        return None, None
    return rectified_picture(evidence.rectified[row]), corners_of(evidence.matrices[row], padded)


def _explain_classes(task: ClassifyingTask, variables: Variables, images, sizes) -> list[Explanation]:
    evidence = find_class_evidence(task, variables, images, sizes)
    maps = project(evidence.maps, images.shape[1:3])
    return [
        Explanation((task.codec.class_names[kind],), scale(each[None, :height, :width]))
        for kind, each, (height, width) in zip(evidence.classes, maps, sizes, strict=True)
    ]
