"""Evaluation of an artifact's predictions for labelled batches."""

import dataclasses
import time
from collections.abc import Iterable, Sequence

from recog.batch import Batch
from recog.codecs import BoxCodec, ClassCodec, Prediction, TextCodec
from recog.evaluation.tally import LOGITS, Decode, Evaluation, Output, Tally
from recog.export.artifact import Artifact
from recog.structure import Structure
from recog.tasks.branches import BranchJudge
from recog.tasks.class_scores import SOFTMAX, ClassScores
from recog.tasks.classifying import ClassJudge
from recog.tasks.judge import Judge
from recog.tasks.locating import BoxJudge
from recog.tasks.text import TextJudge


class ArtifactEvaluator:
    """Predicts batches with an artifact and counts as `recog.evaluation.evaluator.Evaluator` does for a task.

    Args:
      artifact: artifact of any kind, with the decoder that it should use.
      decode: decodes the logits of a reader on the host, in place of the artifact.
      keeps: names of further outputs, without a decoder, that evaluations keep for every sample.
    """

    def __init__(self, artifact: Artifact, decode: Decode | None = None, keeps: Sequence[str] = ()):
        self._artifact, self._decode, self._judge = artifact, decode, judge_of(artifact)
        self._keeps = tuple(keeps)
        self._names = (*artifact.codec.compared, *self._keeps, *(LOGITS if decode else ()))
        self._ready: set[tuple[int, ...]] = set()

    def __call__(self, batches: Iterable[Batch]) -> Evaluation:
        """Evaluates one or more batches, given as NumPy arrays."""
        tally = Tally(self._judge, self._decode, self._keeps)
        start = time.perf_counter()
        for batch in batches:
            start += self._warm_up(batch)
            tally.add(Output(self._predict(batch), self._judge.expected(batch.targets), batch.ids, batch.mask))
        return tally.evaluation(time.perf_counter() - start)

    def _predict(self, batch: Batch) -> Prediction:
        found = self._artifact.predict(batch.images, batch.sizes)
        return {name: found[name] for name in self._names}

    def _warm_up(self, batch: Batch) -> float:
        """Predicts a batch of a new shape, which compiles the program; returns the seconds taken."""
        if batch.images.shape in self._ready:
            return 0.0
        start = time.perf_counter()
        self._predict(batch)
        self._ready.add(batch.images.shape)
        return time.perf_counter() - start


def judge_of(artifact: Artifact) -> Judge:
    """Judge of an artifact's predictions."""
    match artifact.codec:
        case TextCodec() as codec if artifact.parts:
            return _OfParts(codec, artifact.parts.structure)
        case TextCodec() as codec:
            return _OfTexts(codec)
        case ClassCodec() as codec:
            return _OfClasses(codec, ClassScores(artifact.card.settings.get("loss", SOFTMAX)))
        case BoxCodec() as codec:
            return _OfBoxes(codec)
        case other:
            raise ValueError(f"nothing measures predictions of {other.kind}")


@dataclasses.dataclass(frozen=True)
class _OfTexts(TextJudge):
    codec: TextCodec


@dataclasses.dataclass(frozen=True)
class _OfParts(BranchJudge):
    codec: TextCodec
    structure: Structure


@dataclasses.dataclass(frozen=True)
class _OfClasses(ClassJudge):
    codec: ClassCodec
    scores: ClassScores


@dataclasses.dataclass(frozen=True)
class _OfBoxes(BoxJudge):
    codec: BoxCodec
