r"""Pseudo-labels: confident readings of unlabelled pictures, which become training samples (``data.unlabelled``).

    python -m launch.train --config=launch/configs/plates_tuned.py --workdir=runs/plates_self_trained \
        --config.data.train=plates:seed=5,height=24,width=94 --config.data.unlabelled=pictures:FOLDER \
        --config.data.validation=folder:LABELLED --config.data.holdout=0

The reader of ``init_from`` reads the pictures once, before the first step (Lee 2013, "Pseudo-Label"). Its confident
readings stay in ``pseudo_labels.tsv`` of the work folder, from which a resumed run takes them. Several rounds are
several runs, each with the work folder of the one before as its ``init_from``.
"""

import contextlib
import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from datasets.leaks import seen_in
from datasets.mixture import Mixture
from datasets.pipeline import DataConfig
from datasets.preflight import combine, preflight
from datasets.relabelled import Relabelled
from datasets.sources import Keyed, Subset
from datasets.specs import open_source
from launch.runs import distributed
from launch.runs.config import Config
from launch.runs.data import Samples, check, needs, one_pass
from launch.runs.decoding import decoded_by, require_room_in
from launch.runs.pseudo_label_file import FILE, PseudoLabel, load_labels, path_of
from launch.runs.starting import load_start
from launch.runs.unlabelled import pictures_for
from recog.cli.decoding import Decoding
from recog.codecs import Codec, TextCodec
from recog.evaluation.evaluator import Evaluator
from recog.evaluation.predictions import Prediction
from recog.mesh import make_mesh, replicated
from recog.tasks.task import Task

LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Confidences for which the share of readings is printed."""


class PseudoLabelled(NamedTuple):
    """Training samples with those of the unlabelled pictures among them."""

    training: Samples
    labels: Sequence[PseudoLabel]
    """Labels of the unlabelled pictures, for the file of the work folder."""


def check_unlabelled(config: Config, task: Task) -> None:
    """Raises ``ValueError`` if unlabelled pictures are configured for a run that cannot use them."""
    data = config.data
    if not data.unlabelled:
        return
    if task.codec.kind != TextCodec.kind:
        raise ValueError(f"data.unlabelled is for readers of text, this model predicts {task.codec.kind}: leave it out")
    if not config.init_from:
        raise ValueError(
            f"data.unlabelled={data.unlabelled} needs a trained reader that reads these pictures: name the work folder "
            "of a run with --config.init_from=WORKDIR|ARTIFACT"
        )


def with_pseudo_labels(
    config: Config, task: Task, workdir: Path, start: int, training: Samples, validation: Samples
) -> PseudoLabelled:
    """Mixes confident readings of the unlabelled pictures into the training samples.

    Args:
      config: configuration of the run, with ``data.unlabelled``.
      task: task of the run.
      workdir: its folder.
      start: number of steps already done; a run that resumes takes the labels that it began with.
      training: training samples with labels.
      validation: validation samples, whose pictures are left out.

    Raises:
      FileNotFoundError: a folder, or the file of a resumed run, does not exist.
      ValueError: no reading is confident enough, or the pictures cannot be used, have changed or have no names.
    """
    data = config.data
    source = open_unlabelled(data.unlabelled)
    if start:
        labels = load_labels(workdir, source)
        print(f"unlabelled: {len(labels):,} labels of {workdir / FILE}", flush=True)
    else:
        pictures = unseen(data, source, task.codec, training, validation)
        labels = select(data, pictures, _predict(config, pictures))
    indices, texts = [label.sample for label in labels], [label.text for label in labels]
    labelled = Relabelled(source, indices, texts, config.init_from)
    own = check(labelled, needs(data, task), data.on_bad_sample, "pseudo-labels")
    share = Fraction(str(data.unlabelled_share))
    mixture = Mixture([training.source, own.source], [1 - share, share])
    return PseudoLabelled(Samples(mixture, combine(mixture, [training.checked, own.checked])), labels)


def open_unlabelled(spec: str) -> Keyed:
    """Opens a source of unlabelled pictures; raises ``ValueError`` for renderers and mixtures, which have no names."""
    source = open_source(spec)
    if not isinstance(source, Keyed):
        raise ValueError(
            f"data.unlabelled={spec} is a renderer or a mixture: name one source of stored pictures, such as "
            "pictures:FOLDER, which takes all pictures below a folder"
        )
    return source


def unseen(data: DataConfig, source: Keyed, codec: Codec, training: Samples, validation: Samples) -> Subset:
    """Pictures of a source that are neither validation samples nor training samples; prints the number of the others.

    Args:
      data: settings of the run.
      source: source of the pictures.
      codec: codec of the run.
      training: training samples, whose own labels are better.
      validation: validation samples, which must stay unseen.

    Raises:
      ValueError: a picture cannot be decoded and is not to be skipped, or none is left.
    """
    asked = *pictures_for(source, data, codec), data.on_bad_sample, "unlabelled pictures"
    seen = check(*asked, pictures=True).checked.pictures
    held = seen_in(seen, validation.checked.pictures)
    known = seen_in(seen, training.checked.pictures) & ~held
    if held.any() or known.any():
        print(
            f"unlabelled: {int(held.sum()):,} of {len(held):,} pictures are validation samples and "
            f"{int(known.sum()):,} have labels in data.train: left out",
            flush=True,
        )
    left = seen.indices[~(held | known)]
    if not len(left):
        raise ValueError(
            f"no picture of data.unlabelled={data.unlabelled} is left: name pictures that are neither validation "
            "samples nor in data.train, such as kept:0.5:SOURCE beside data.validation=held:0.5:SOURCE"
        )
    return Subset(source, left.tolist())


def select(data: DataConfig, pictures: Subset, readings: Sequence[Prediction]) -> list[PseudoLabel]:
    """Readings that are confident enough to be labels, in the order of the pictures; prints their number.

    Args:
      data: settings of the run.
      pictures: pictures of a source with keys.
      readings: readings of some or all of them, by their index.

    Raises:
      ValueError: no reading is confident enough.
    """
    confidences = np.array([reading.confidence for reading in readings])
    shares = ", ".join(f"{np.mean(confidences >= level):.0%} from {level} on" for level in LEVELS)
    kept = [reading for reading in readings if reading.text and reading.confidence >= data.pseudo_confidence]
    if not kept:
        raise ValueError(
            f"none of the {len(readings):,} readings of data.unlabelled={data.unlabelled} has a text and a confidence "
            f"of data.pseudo_confidence={data.pseudo_confidence} or more, the highest is {confidences.max():.3f}: "
            "lower it, or train the reader of init_from on samples that look more like these pictures"
        )
    print(
        f"unlabelled: {len(kept):,} of {len(readings):,} readings have a confidence of {data.pseudo_confidence} or "
        f"more and become labels, listed in {FILE} of the work folder (confidences: {shares})",
        flush=True,
    )
    return [
        PseudoLabel(path_of(pictures, reading.id), reading.text, reading.confidence, pictures.indices[reading.id])
        for reading in kept
    ]


def _predict(config: Config, pictures: Subset) -> Sequence[Prediction]:
    """Readings of all pictures by the model of ``init_from``, as it takes pictures.

    Raises:
      ValueError: it reads no texts, or the pattern does not fit it.
    """
    run, data, mesh = load_start(config.init_from), config.data, make_mesh(config.mesh)
    if run.task.codec.kind != TextCodec.kind:
        raise ValueError(f"init_from={config.init_from!r} predicts {run.task.codec.kind}, which are no labels of texts")
    pattern = data.pseudo_pattern
    task = decoded_by(run.task, Decoding(decoder="beam", pattern=pattern) if pattern else Decoding())
    theirs = dataclasses.replace(
        run.config.data, batch_size=data.batch_size, buckets=(), on_bad_sample=data.on_bad_sample, workers=data.workers
    )
    source, asked = pictures_for(pictures, theirs, task.codec)
    samples = Samples(source, preflight(source, asked, on_bad_sample=data.on_bad_sample))
    require_room_in(samples, task)
    with contextlib.closing(one_pass(samples, theirs, task.codec, distributed.share())) as stream:
        return Evaluator(task, mesh)(jax.device_put(run.variables, replicated(mesh)), stream).predictions
