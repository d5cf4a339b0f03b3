"""Grain pipeline: workers decode, scale, pad and encode planned batches, in a fixed order."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import grain.python as grain
import numpy as np
from absl import logging

from datasets.buckets import assign_buckets, choose_buckets
from datasets.cache import Cache, Loaded
from datasets.holdout import check_fold
from datasets.plan import BatchPlan, Planned
from datasets.preflight import Preflight
from datasets.shared import Shared
from datasets.sources import BadSampleError, Source
from recog.batch import Batch
from recog.codecs import Codec, fill
from recog.preprocess import Preprocess


@dataclasses.dataclass
class DataConfig:
    """Samples, and their preprocessing and batching."""

    train: str = ""
    """Training samples, such as ``folder:PATH``, ``lmdb:PATH``, ``plates:seed=1`` or ``0.7*plates + 0.3*csv:FILE``: see
    `datasets.specs.open_source`."""
    validation: str = ""
    """Validation samples; empty holds out part of the training samples, of each part of a mixture that is not rendered
    (see ``holdout``)."""
    holdout: float = 0.0
    """Share of the training samples to hold out for validation, 0 to below 1; always the same samples."""
    holdout_by: str = ""
    """Regular expression over sample keys (paths); samples with the same match (first group) stay together."""
    folds: int = 0
    """Number of parts of about equal size into which the training samples are cut for cross-validation, in place of
    ``holdout``; 0 for none."""
    fold: int = 0
    """Number of the part that is held out for validation, from 0 to ``folds - 1``; always the same samples."""
    exclude: str = ""
    """File that lists samples of ``train`` to leave out, of those for training and of those held out, whose choice it
    does not change: paths as in the label file, one per line or in the first column, such as ``outliers.tsv`` of
    ``launch.prepare`` (`datasets.excluded`)."""
    unlabelled: str = ""
    """Pictures without labels, such as ``pictures:FOLDER`` or ``folder:PATH`` (whose labels are not read): before the
    first step, the reader of ``init_from`` reads them, and confident readings become labels of a further part of the
    training samples (`launch.runs.pseudo_labels`). Pictures of the validation samples, and those that ``train`` has
    labels for, are left out. For another round, start from the trained run with ``init_from``."""
    unlabelled_share: float = 0.5
    """Share of the training samples that these pictures get, above 0 and below 1; ``train`` gets the rest."""
    pseudo_confidence: float = 0.9
    """Minimum confidence of a reading that becomes a label, 0 to 1. Measured on 397 real plates, read by a model of
    rendered plates with an accuracy of 75 %: from 0.5 on, 79 % of the readings are kept and 87 % of these are right;
    from 0.7 on, 68 % and 91 %; from 0.9 on, 43 % and 95 %; from 0.95 on, 34 % and 97 %; from 0.99 on, 15 % and
    97 %."""
    pseudo_pattern: str = ""
    """Pattern that the readings of unlabelled pictures are searched in, as ``--pattern`` of ``launch.evaluate``: a
    regular expression, or ``plate_cn``, ``price`` or ``arithmetic``; empty takes the best path."""
    batch_size: int = 64
    """Number of samples in a batch over all devices and processes."""
    height: int = 32
    """Height in pixels to which pictures are scaled."""
    width: int = 0
    """Width in pixels to which pictures are stretched; 0 keeps the aspect ratio."""
    channels: int = 1
    """Number of channels: 1 for grayscale, 3 for colour."""
    filters: tuple[str, ...] = ()
    """Filters to apply before scaling, such as ``("median3", "otsu", "open2")``; see `recog.filters`. Exported models
    apply them as well."""
    rotate_tall: int = 0
    """Degrees by which to turn pictures clockwise that are at least 1.5 times as high as wide, for text that runs
    vertically: 90 if it reads from bottom to top, 270 from top to bottom; 0 turns none. Exported models turn them as
    well."""
    letterbox: bool = False
    """Whether to scale pictures to fit into ``height`` and ``width`` with their aspect ratio kept, as detectors need;
    the rest is padding, on the right or at the bottom."""
    max_boxes: int = 16
    """Maximum number of objects in a picture, for detectors."""
    buckets: tuple[int, ...] = ()
    """Padded widths in pixels; empty chooses up to four from the data, or uses ``width``."""
    order_seed: int = -1
    """Seed of the order of the training samples; -1 uses the run's seed. Runs with the same value train on the same
    batches."""
    lower_case: bool = False
    """Whether to convert labels to lower case, because the case of labels in scene text benchmarks varies."""
    reading_order: str = ""
    """``visual`` for right-to-left labels that are stored as they are typed, ``as_written`` for those whose first
    character is the leftmost one in the picture; see `recog.codecs.TextCodec`."""
    strip: bool = False
    """Whether to strip white space and invisible characters from the ends of labels."""
    max_label_length: int = 32
    """Maximum number of tokens in a label."""
    on_bad_sample: str = "raise"
    """``raise`` an error for samples that cannot be used, or ``skip`` them."""
    workers: int = 0
    """Number of worker processes that load batches; 0 uses threads of the training process."""
    cache_mb: int = 256
    """Size in MiB of each process's cache of scaled pictures, which later epochs do not read and decode again. Rendered
    samples are not cached."""

    @property
    def preprocess(self) -> Preprocess:
        """Preprocessing of pictures; raises ``ValueError`` for invalid channels, filters or rotation."""
        return Preprocess(self.height, self.width, self.channels, tuple(self.filters), self.rotate_tall, self.letterbox)

    @property
    def held_out(self) -> str:
        """Part of the training samples that is held out: ``15%`` or ``fold 2 (of 0 to 4)``."""
        return f"fold {self.fold} (of 0 to {self.folds - 1})" if self.folds else f"{self.holdout:.0%}"

    def check(self) -> None:
        """Raises ``ValueError``, naming the setting, for values that are invalid whatever the samples."""
        if self.on_bad_sample not in ("raise", "skip"):
            raise ValueError(f"data.on_bad_sample={self.on_bad_sample!r}: choose raise or skip")
        if self.folds or self.fold:
            self._check_folds()
        if self.unlabelled:
            self._check_unlabelled()
        if self.buckets and (min(self.buckets) < 1 or list(self.buckets) != sorted(set(self.buckets))):
            raise ValueError(f"data.buckets={self.buckets}: give increasing widths in pixels")
        minimum = {
            "height": 1,
            "width": 0,
            "batch_size": 1,
            "max_label_length": 1,
            "max_boxes": 1,
            "workers": 0,
            "cache_mb": 0,
        }
        for name, smallest in minimum.items():
            if getattr(self, name) < smallest:
                raise ValueError(f"data.{name}={getattr(self, name)}: choose {smallest} or more")
        _ = self.preprocess

    def _check_folds(self) -> None:
        if not self.folds:
            raise ValueError(f"data.fold={self.fold} of no folds: set their number, --config.data.folds=5")
        check_fold(self.folds, self.fold)
        for name, empty in (("holdout", 0.0), ("validation", "")):
            if value := getattr(self, name):
                raise ValueError(
                    f"data.folds={self.folds} and data.{name}={value} both choose the validation samples: "
                    f"leave out one, --config.data.folds=0 or --config.data.{name}={empty}"
                )

    def _check_unlabelled(self) -> None:
        if not 0 < self.unlabelled_share < 1:
            raise ValueError(f"data.unlabelled_share={self.unlabelled_share}: choose a share above 0 and below 1")
        if not 0 <= self.pseudo_confidence <= 1:
            raise ValueError(f"data.pseudo_confidence={self.pseudo_confidence}: choose a confidence from 0 to 1")


class Loader(NamedTuple):
    """Loads one planned batch."""

    source: Source
    codec: Codec
    preprocess: Preprocess
    cache: Cache
    skip_bad: bool
    """Whether a sample that can no longer be used leaves its row empty, instead of raising."""

    def __call__(self, planned: Planned) -> Batch:
        """Loads a batch; raises `BadSampleError` for a sample that can no longer be used, unless `skip_bad`."""
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
        """Loads a sample into its row."""
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
                f"{width} pixels do not fit into a batch of {max_width}: the picture has changed since it was checked",
            )
        return loaded

    def _prepare(self, index: int) -> Loaded:
        image, label, origin = self.source[index]
        try:
            picture = self.preprocess.decode(image)
            pixels = self.preprocess(picture)
            down, across = pixels.shape[0] / picture.shape[0], pixels.shape[1] / picture.shape[1]
            return Loaded(pixels, self.codec.encode(self.codec.scaled(label, across, down)))
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
    load: Callable[[Planned], Batch] | None = None,
) -> tuple[grain.IterDataset, BatchPlan]:
    """Batches of a checked source, loaded ahead.

    Args:
      source: source of the samples.
      checked: preflight of the source, with the usable samples and their widths.
      codec: codec of the labels.
      config: shapes and workers.
      seed: seed of the order of an endless training stream; None for one pass in order (see `BatchPlan`).
      start: number of batches to skip.
      process: index of this process, and number of processes that share each batch.
      load: function that loads a planned batch from memory; None decodes its pictures.

    Returns:
      A dataset of `Batch`es of NumPy arrays, and the plan behind it.

    Raises:
      ValueError: invalid settings, or settings that do not fit the samples or processes.
    """
    config.check()
    buckets = tuple(config.buckets) or ((config.width,) if config.width else choose_buckets(checked.widths))
    bucket_of = assign_buckets(checked.widths, buckets)
    plan = BatchPlan(checked.indices, bucket_of, buckets, batch_size=config.batch_size, seed=seed, process=process)
    cache = Cache(source, 0 if seed is None else config.cache_mb * 2**20)  # one pass repeats no sample
    decode = Loader(source, codec, config.preprocess, cache, skip_bad=config.on_bad_sample == "skip")
    if config.workers and not load:
        batches = grain.MapDataset.source(Shared(plan)).slice(slice(start, None)).map(Shared(decode))
        stream = batches.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=2))
        return stream.mp_prefetch(grain.MultiprocessingOptions(num_workers=config.workers)), plan
    batches = grain.MapDataset.source(plan).slice(slice(start, None)).map(load or decode)
    return batches.to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=8)), plan
