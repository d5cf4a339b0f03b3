"""Drawings of a reader that was trained with graphic supervision."""

import numpy as np
from jaxtyping import Int, UInt8

from recog.codecs import TextTargets
from recog.drawing import alignment_box, draw_labels, glyph_atlas
from recog.explaining.chunks import in_chunks
from recog.explaining.explanation import Drawn
from recog.models.lprnet import LPRNet
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Variables, normalize


def draws(task: object, variables: Variables) -> bool:
    """Whether a task's model has a drawing head, and the variables include the head's."""
    if not isinstance(task, ReadingTask) or not isinstance(task.model, LPRNet):
        return False
    return task.model.config.graphic and "decoder" in variables["params"]


def drawings_of(
    task: ReadingTask,
    variables: Variables,
    images: UInt8[np.ndarray, "B H W C"],
    sizes: Int[np.ndarray, "B 2"],
    targets: TextTargets | None,
) -> list[Drawn]:
    """Drawings by the network and, with targets, of the labels.

    The labels' box is that of the characters in the mean of these pictures, as training takes it from the mean of its
    own (`recog.drawing.alignment_box`).
    """

    def draw(variables: Variables, arrays):
        images, sizes = arrays
        return task.model.apply(variables, normalize(images), sizes[:, 1], train=False, method="draw")

    network = np.clip(np.nan_to_num(in_chunks(draw, variables, (images, sizes))), 0, 1)
    if targets is None:
        return [Drawn(each, None) for each in network]
    atlas, size = glyph_atlas(task.codec.alphabet), (network.shape[1], network.shape[2])
    live = sizes[:, 1] > 0
    box = alignment_box(images[live].mean(axis=0, dtype=np.float32) if live.any() else np.zeros(images.shape[1:]))
    labels = in_chunks(lambda _, given: draw_labels(atlas, *given, size=size, box=box), {}, tuple(targets))
    return [Drawn(*pair) for pair in zip(network, labels, strict=True)]
