"""Samples of a run, from its configuration."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import grain.python as grain
import jax
import numpy as np

from datasets.excluded import without_listed
from datasets.holdout import split_fold, split_holdout
from datasets.leaks import find_leaks
from datasets.mixture import Mixture, split_mixture
from datasets.needs import Needs
from datasets.pipeline import DataConfig, make_stream
from datasets.preflight import Preflight, preflight
from datasets.sources import Keyed, Source, Subset
from datasets.specs import open_source
from launch.runs.config import Config
from recog.batch import Batch
from recog.codecs import Codec
from recog.tasks.task import Task


def needs(data: DataConfig, task: Task) -> Needs:
    """Requirements on training samples."""
    return Needs(data.preprocess, task.codec, task.problems, max(data.buckets) if data.buckets else None)


def needs_to_measure(data: DataConfig, codec: Codec) -> Needs:
    """Requirements on evaluation samples: any label that the codec can encode, in a picture of any width."""
    return Needs(data.preprocess, codec, codec.problems)


class Samples(NamedTuple):
    """A source with the result of its preflight."""

    source: Source
    checked: Preflight
    """Usable samples, and problems of the others."""

    def identity(self) -> dict[str, int | str]:
        """Number and digest of the usable samples, which must not change when a run is resumed."""
        return {"count": len(self.checked.indices), "digest": self.checked.digest}

    def without_pictures(self) -> "Samples":
        """The samples without the digests of their pictures (`Preflight.without_pictures`)."""
        return Samples(self.source, self.checked.without_pictures())

    def describe(self, index: int) -> str:
        """Origin of a sample, for messages."""
        return self.source.origin(index)


def check(source: Source, asked: Needs, on_bad_sample: str, name: str, *, pictures: bool = False) -> Samples:
    """Runs the preflight over a source, and prints the samples that it skips and its remarks.

    Args:
      source: samples to check.
      asked: requirements on them.
      on_bad_sample: ``raise`` or ``skip``.
      name: name of the samples for messages.
      pictures: whether to keep the digests of the pictures, to find copies in other samples.

    Raises:
      ValueError: a sample cannot be used and is not to be skipped, or no sample can be used.
    """
    title = f"check {name}" if jax.process_index() == 0 else None
    checked = preflight(source, asked, on_bad_sample=on_bad_sample, progress=title)
    if checked.problems:
        print(f"{name}: {checked.summary()}", flush=True)
    for line in checked.remarks.lines():
        print(f"note: {name}: {line}", flush=True)
    samples = Samples(source, checked)
    return samples if pictures else samples.without_pictures()


def show_leaks(training: Samples, validation: Samples) -> None:
    """Prints a note if validation samples show pictures that are trained on."""
    leaks = find_leaks(*((samples.source, samples.checked.pictures) for samples in (training, validation)))
    if leaks:
        print(f"note: {leaks.summary()}", flush=True)


def open_data(config: Config) -> tuple[Source, Source]:
    """Opens the training and validation sources.

    Raises:
      FileNotFoundError: a file or folder does not exist.
      ValueError: no training samples or no validation samples are configured, or ``data.exclude`` does not fit them.
    """
    data = config.data
    if not data.train:
        raise ValueError("name the training samples: --config.data.train=folder:PATH")
    train = open_source(data.train)
    if data.validation:
        (train,) = _remaining(data, train)
        return train, open_source(data.validation)
    if not (data.holdout or data.folds):
        raise ValueError(
            "name validation samples with data.validation, or hold some of a folder out with data.holdout or data.folds"
        )
    split = _split(data)
    if isinstance(train, Mixture):
        training, held = _remaining(data, *split_mixture(train, split))
        return training, held
    if not isinstance(train, Keyed):
        name = "holdout" if data.holdout else "folds"
        raise ValueError(f"data.{name} cannot be taken from rendered samples: name others with data.validation")
    training, held = _remaining(data, *split(train))
    return training, held


def _split(data: DataConfig) -> Callable[[Keyed], tuple[Subset, Subset]]:
    """Function that splits a source into training and held-out samples, as configured."""
    if data.folds:
        return functools.partial(split_fold, folds=data.folds, fold=data.fold, by=data.holdout_by)
    return functools.partial(split_holdout, share=data.holdout, by=data.holdout_by)


def _remaining(data: DataConfig, *sources: Source) -> list[Source]:
    """The parts of the training source without the samples of ``data.exclude``; prints the number of these."""
    if not data.exclude:
        return list(sources)
    parts = [without_listed(source, data.exclude) for source in sources]
    left_out = sum(part.left_out for part in parts)
    print(f"data.exclude={data.exclude}: {left_out:,} samples left out of {data.train}", flush=True)
    return [part.source for part in parts]


def one_pass(
    samples: Samples, data: DataConfig, codec: Codec, process: tuple[int, int] = (0, 1)
) -> grain.DatasetIterator:
    """Batches of all samples, once and in order, or a process's part of each, for evaluation."""
    stream, _ = make_stream(samples.source, samples.checked, codec, data, seed=None, process=process)
    return iter(stream)


def shape_of_batch(data: DataConfig, codec: Codec) -> Batch:
    """Abstract batch of some width; parameter shapes do not depend on the width."""
    rows, preprocess = data.batch_size, data.preprocess
    images = rows, preprocess.height, preprocess.width or 4 * preprocess.height, preprocess.channels
    array = jax.ShapeDtypeStruct
    return Batch(
        images=array(images, np.uint8),
        sizes=array((rows, 2), np.int32),
        targets=jax.tree.map(lambda x: array(x.shape, x.dtype), codec.zeros(rows)),
        ids=array((rows,), np.int32),
        mask=array((rows,), bool),
    )
