"""The grain pipeline: planned batches are decoded, scaled, padded and encoded by workers, in a fixed order."""

import dataclasses
from typing import NamedTuple

import grain.python as grain
import numpy as np
from absl import logging

from datasets.buckets import assign_buckets, choose_buckets
from datasets.cache import Cache, Loaded
from datasets.plan import BatchPlan, Planned
from datasets.preflight import Preflight
from datasets.sources import BadSampleError, Source
from recog.batch import Batch
from recog.codecs import Codec, fill
from recog.preprocess import Preprocess


@dataclasses.dataclass
class DataConfig:
    """What to train on and how it is brought into shape."""

    train: str = ""
    """Training samples, such as ``folder:PATH``, ``lmdb:PATH``, ``plates:seed=1`` or ``0.7*plates + 0.3*csv:FILE``: see
    `datasets.specs.open_source`."""
    validation: str = ""
    """Validation samples; empty holds out part of the training samples that are not rendered."""
    holdout: float = 0.0
    """Share of these held out for validation, always the same samples."""
    holdout_by: str = ""
    """Regular expression over their keys (paths): samples with the same match (first group) stay together."""
    batch_size: int = 64
    """Samples of a batch over all devices and processes."""
    height: int = 32
    """Pixels to which pictures are scaled."""
    width: int = 0
    """Pixels to which every picture is stretched; 0 keeps the aspect ratio."""
    channels: int = 1
    """1 reads in grayscale, 3 in colour."""
    filters: tuple[str, ...] = ()
    """What pictures go through before they are scaled, such as ``("median3", "otsu", "open2")``; see
    `recog.filters`. An exported model applies the same."""
    buckets: tuple[int, ...] = ()
    """Padded widths in pixels; empty chooses up to four from the data, or takes the one of ``width``."""
    order_seed: int = -1
    """Of the order of training samples; -1 takes the run's seed. Runs that are to see the same batches share one."""
    lower_case: bool = False
    """Whether labels are learnt and measured against in lower case: scene text benchmarks mix cases."""
    max_label_length: int = 32
    """Slots for a label's tokens."""
    on_bad_sample: str = "raise"
    """``raise`` or ``skip`` samples that cannot be used."""
    workers: int = 0
    """Worker processes that load batches; 0 loads them in threads of the training process."""
    cache_mb: int = 256
    """Mebibytes of scaled pictures that each of these keeps, so that later epochs read and decode only what did not
    fit. Rendered samples are not kept."""

    @property
    def preprocess(self) -> Preprocess:
        """From pictures to the model's pixels; raises ``ValueError`` for channels or filters that cannot be."""
        return Preprocess(self.height, self.width, self.channels, tuple(self.filters))

    def check(self) -> None:
        """Raises ``ValueError`` for settings that cannot be, whatever the samples."""
        if self.on_bad_sample not in ("raise", "skip"):
            raise ValueError(f"data.on_bad_sample={self.on_bad_sample!r}: choose raise or skip")
        if self.buckets and (min(self.buckets) < 1 or list(self.buckets) != sorted(set(self.buckets))):
            raise ValueError(f"data.buckets={self.buckets}: give increasing widths in pixels")
        least = {"height": 1, "width": 0, "batch_size": 1, "max_label_length": 1, "workers": 0, "cache_mb": 0}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise ValueError(f"data.{name}={getattr(self, name)}: choose {smallest} or more")
        _ = self.preprocess


class Loader(NamedTuple):
    """Loads one planned batch."""

    source: Source
    codec: Codec
    preprocess: Preprocess
    cache: Cache
    skip_bad: bool
    """Whether to leave the row of a sample that can no longer be used empty, instead of raising."""

    def __call__(self, planned: Planned) -> Batch:
        """Raises `BadSampleError` when a sample can no longer be used, unless such samples are to be skipped."""
        rows, shape = len(planned.indices), (self.preprocess.height, planned.width, self.preprocess.channels)
        batch = Batch(
            images=np.zeros((rows, *shape), np.uint8),
            sizes=np.zeros((rows, 2), np.int32),
            targets=self.codec.zeros(rows),
            ids=np.full(rows, -1, np.int32),
            mask=np.zeros(rows, bool),
        )
        for row, index in enumerate(planned.indices.tolist()):
            if index >= 0:
                self._fill(batch, row, index)
        return batch

    def _fill(self, batch: Batch, row: int, index: int) -> None:
        """Puts a sample into its row."""
        try:
            pixels, targets = self._load(index, batch.images.shape[2])
        except BadSampleError as error:
            if not self.skip_bad:
                raise
            logging.warning("skipped %s", error)
            return
        height, width = pixels.shape[:2]
        batch.images[row, :height, :width] = pixels
        fill(batch.targets, row, targets)
        batch.sizes[row] = height, width
        batch.ids[row], batch.mask[row] = index, True

    def _load(self, index: int, max_width: int) -> Loaded:
        loaded = self.cache.get(index)
        if loaded is None:
            loaded = self._prepare(index)
            self.cache.put(index, loaded)
        if (width := loaded.pixels.shape[1]) > max_width:
            raise BadSampleError(
                self.source.origin(index),
                f"{width} pixels do not fit into a batch of {max_width}: it has changed since it was checked",
            )
        return loaded

    def _prepare(self, index: int) -> Loaded:
        image, label, origin = self.source[index]
        try:
            return Loaded(self.preprocess(image), self.codec.encode(label))
        except ValueError as error:
            raise BadSampleError(origin, str(error)) from error


def make_stream(
    source: Source,
    checked: Preflight,
    codec: Codec,
    config: DataConfig,
    *,
    seed: int | None,
    start: int = 0,
    process: tuple[int, int] = (0, 1),
) -> tuple[grain.IterDataset, BatchPlan]:
    """Batches of a checked source, loaded ahead.

    Args:
      source: where samples come from.
      checked: its preflight: which samples, and their widths.
      codec: of the labels.
      config: shapes and workers.
      seed: of the order, for an endless training stream; None for one pass in order (see `BatchPlan`).
      start: batches to pass over.
      process: this process and how many share each batch.

    Returns:
      A dataset of `Batch`es of NumPy arrays, and the plan behind it.

    Raises:
      ValueError: settings that cannot be, or that do not suit these samples or processes.
    """
    config.check()
    buckets = tuple(config.buckets) or ((config.width,) if config.width else choose_buckets(checked.widths))
    bucket_of = assign_buckets(checked.widths, buckets)
    plan = BatchPlan(checked.indices, bucket_of, buckets, batch_size=config.batch_size, seed=seed, process=process)
    cache = Cache(source, 0 if seed is None else config.cache_mb * 2**20)  # one pass meets no sample again
    load = Loader(source, codec, config.preprocess, cache, skip_bad=config.on_bad_sample == "skip")
    batches = grain.MapDataset.source(plan).slice(slice(start, None)).map(load)
    if config.workers:
        stream = batches.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=2))
        return stream.mp_prefetch(grain.MultiprocessingOptions(num_workers=config.workers)), plan
    return batches.to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=8)), plan
