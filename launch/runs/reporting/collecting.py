"""Predictions of a model for the samples of a report."""

import contextlib
import dataclasses
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8
from tqdm import tqdm

from launch.runs.box_tiles import is_right
from launch.runs.data import Samples, one_pass
from launch.runs.reporting.subjects import Subject
from recog.batch import Batch
from recog.codecs import BoxCodec
from recog.evaluation.predictions import Prediction
from recog.evaluation.tally import Evaluation
from recog.images import decode


class Split(NamedTuple):
    """Samples of one source."""

    name: str
    """As the source was named."""
    samples: Samples


class Item(NamedTuple):
    """A sample with its prediction."""

    split: Split
    prediction: Prediction

    @property
    def origin(self) -> str:
        """Origin of the sample."""
        return self.split.samples.describe(self.prediction.id)

    @property
    def key(self) -> tuple[str, int]:
        """Identity of the sample, whichever model predicts it."""
        return self.split.name, self.prediction.id

    def label(self) -> Any:
        """Label as its source provides it."""
        return self.split.samples.source[self.prediction.id].label

    def picture(self) -> UInt8[np.ndarray, "H W C"]:
        """The picture as its source provides it."""
        image = self.split.samples.source[self.prediction.id].image
        return decode(image, 3) if isinstance(image, bytes) else image


@dataclasses.dataclass(frozen=True)
class Collected:
    """A model's predictions for all samples, in the order of the splits and of their sources."""

    subject: Subject
    splits: Sequence[Split]
    evaluations: Sequence[Evaluation]

    @cached_property
    def items(self) -> list[Item]:
        """All samples with their predictions."""
        pairs = zip(self.splits, self.evaluations, strict=True)
        return [Item(split, prediction) for split, evaluation in pairs for prediction in evaluation.predictions]

    @cached_property
    def counts(self) -> Any:
        """Counts over all samples."""
        return reduce(add, (evaluation.counts for evaluation in self.evaluations))

    @cached_property
    def right(self) -> Bool[np.ndarray, " N"]:
        """Whether each sample is predicted without a mistake."""
        same = is_right if isinstance(self.subject.codec, BoxCodec) else str.__eq__
        return np.array([same(item.prediction.label, item.prediction.text) for item in self.items], bool)

    @property
    def confidences(self) -> Float[np.ndarray, " N"]:
        """Confidence of each prediction, 0 to 1."""
        return np.clip([item.prediction.confidence for item in self.items], 0, 1)

    def kept(self, name: str) -> np.ndarray:
        """A kept output with a row for each sample."""
        return np.concatenate([evaluation.kept[name] for evaluation in self.evaluations])

    @property
    def images_per_second(self) -> float:
        """Speed of reading, loading included."""
        return len(self.items) / max(sum(evaluation.seconds for evaluation in self.evaluations), 1e-9)


def collect(subject: Subject, splits: Sequence[Split], title: str = "read") -> Collected:
    """Predicts all samples once, with a progress bar on terminals.

    Args:
      subject: the model.
      splits: checked samples.
      title: name of the work on the progress bar.
    """
    evaluations, codec = [], subject.codec.for_measuring()
    for split in splits:
        with contextlib.closing(one_pass(split.samples, subject.settings, codec)) as stream:
            evaluations.append(subject.evaluator(_shown(stream, len(split.samples.checked.indices), title)))
    return Collected(subject, splits, evaluations)


def _shown(batches: Iterable[Batch], count: int, title: str) -> Iterator[Batch]:
    hidden = not sys.stderr.isatty()
    with tqdm(total=count, desc=title, unit="image", disable=hidden, dynamic_ncols=True) as bar:
        for batch in batches:
            yield batch
            bar.update(int(np.sum(batch.mask)))
