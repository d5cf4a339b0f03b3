"""Explanation of the predictions of any task."""

from jaxtyping import Int, UInt8
import numpy as np

from recog.codecs import TextTargets
from recog.explaining.explanation import Explanation
from recog.tasks.task import Task, Variables


def explain(
    task: Task,
    variables: Variables,
    images: UInt8[np.ndarray, "B H W C"],
    sizes: Int[np.ndarray, "B 2"],
    targets: TextTargets | None = None,
) -> list[Explanation]:
    """Explains the predictions for padded pictures, as the task's own decoder reads them.

    Compiles once for all pictures, whatever their number: call it once with all of them.

    Args:
      task: task that predicts.
      variables: variables of its model, with those of a drawing head if drawings are wanted.
      images: pictures, padded on the right and at the bottom.
      sizes: height and width of each picture; explanations of rows without a picture (zeros) are empty.
      targets: labels of a reader's pictures, as its codec encodes them, to be drawn beside the network's drawings.
    """
    raise NotImplementedError
