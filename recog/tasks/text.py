"""Bases of the tasks whose labels are texts, however they are read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from recog.codecs import Prediction, Problems, TextCodec, TextTargets
from recog.codecs.codec import INFEASIBLE
from recog.ctc import frames_needed
from recog.metrics import ReadingCounts
from recog.metrics.hints import zero_accuracy_hint
from recog.tasks.judge import Judge
from recog.tasks.task import Task
from recog.unknown_tokens import shortened


class TextJudge(Judge):
    """Judges token sequences: ``tokens`` and ``lengths``."""

    codec: TextCodec

    def count(self, prediction: Prediction, targets: TextTargets) -> ReadingCounts:
        """Counts token sequences against targets."""
        return ReadingCounts.of(_sequences(*targets), _sequences(prediction["tokens"], prediction["lengths"]))

    def hint(self, labels: Sequence[str], predictions: Sequence[str]) -> str | None:
        """Likely cause if no sample was read right."""
        return zero_accuracy_hint(labels, predictions)


class TextTask(TextJudge, Task):
    """A task that predicts token sequences."""

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Problems found by the codec, and labels that need more frames than the model emits."""
        return self.codec.problems(label, size) | infeasible(self.codec, label, self.frames(size[1]))


def infeasible(codec: TextCodec, label: Any, frames: int | None) -> Problems:
    """Reason why CTC cannot align a label with this number of frames; None frames accept any label."""
    if frames is None or not isinstance(label, str):
        return {}
    tokens = np.array(codec.split(label))
    needed = int(frames_needed(tokens[None], np.array([len(tokens)]))[0])
    if needed <= frames:
        return {}
    return {
        INFEASIBLE: (
            f"label {shortened(label)} needs {needed} frames, the model emits {frames}: "
            "widen the picture or drop the sample"
        )
    }


def _sequences(tokens: Int[Any, "B S"], lengths: Int[Any, " B"]) -> list[list[int]]:
    pairs = zip(np.asarray(tokens), np.asarray(lengths), strict=True)
    return [row[:length].tolist() for row, length in pairs]
