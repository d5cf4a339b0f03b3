"""Features of pictures for other classifiers: the mean of a trained backbone's outputs."""

import dataclasses
import functools
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float32, Int
from tqdm import tqdm

from datasets.sources import BadSampleError, Source
from launch.runs.data import check, needs_to_measure, one_pass
from launch.runs.folder import load_run
from recog.codecs import ClassCodec
from recog.tasks.classifying import ClassifyingTask


class Features(NamedTuple):
    """Features and classes of the usable samples of a source."""

    names: tuple[str, ...]
    """Class names, sorted."""
    values: Float32[np.ndarray, "N D"]
    classes: Int[np.ndarray, " N"]
    """Index of each sample's class among the names."""
    places: Int[np.ndarray, " N"]
    """Index of each sample in the source."""


def backbone_features(workdir: str | Path, source: Source, on_bad_sample: str = "raise") -> Features:
    """Computes the features of all samples with the backbone of a work folder, in one pass.

    The classes are those of the samples, whatever classes the model was trained for.

    Args:
      workdir: folder of a classifier that was trained or imported.
      source: labelled pictures.
      on_bad_sample: ``raise`` or ``skip`` samples that cannot be used.

    Raises:
      ValueError: the folder's model is not a classifier, the samples are of one class, or one cannot be used.
    """
    run = load_run(workdir)
    if not isinstance(run.task, ClassifyingTask):
        raise ValueError(f"{workdir} holds no classifier: name the work folder of one, or of imported weights of one")
    codec = ClassCodec(classes_of(source))
    settings = dataclasses.replace(run.config.data, on_bad_sample=on_bad_sample, buckets=())
    samples = check(source, needs_to_measure(settings, codec), on_bad_sample, "samples")
    compute = functools.partial(jax.jit(run.task.features), jax.device_put(run.variables))
    values, classes, places = [], [], []
    steps = -(-len(samples.checked.indices) // settings.batch_size)
    for batch in tqdm(one_pass(samples, settings, codec), "features", steps, unit="batch", disable=None):
        values.append(np.asarray(compute(batch.images, batch.sizes))[batch.mask])
        classes.append(batch.targets.classes[batch.mask])
        places.append(batch.ids[batch.mask])
    return Features(codec.names, np.concatenate(values), np.concatenate(classes), np.concatenate(places))


def classes_of(source: Source) -> tuple[str, ...]:
    """Labels of the readable samples, sorted, each once."""
    found = set()
    for index in tqdm(range(len(source)), "labels", unit="image", disable=None, leave=False):
        try:
            found.add(str(source[index].label))
        except BadSampleError:  # the preflight reports it
            continue
    return tuple(sorted(found))
