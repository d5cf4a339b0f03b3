"""Features of pictures for other classifiers: the mean of a trained backbone's outputs."""

import contextlib
import dataclasses
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Int
from tqdm import tqdm

from datasets.features import Features
from datasets.sources import BadSampleError, Source
from launch.runs.data import check, needs_to_measure, one_pass
from launch.runs.folder import load_run
from launch.runs.frozen_features import compute_features
from recog.codecs import ClassCodec
from recog.mesh import make_mesh, replicated
from recog.tasks.classifying import ClassifyingTask


class NamedFeatures(NamedTuple):
    """Features of the usable samples of a source, with the names of their classes."""

    names: tuple[str, ...]
    """Class names, sorted."""
    features: Features
    """Features, with indices of class names as targets."""

    @property
    def classes(self) -> Int[np.ndarray, " N"]:
        """Index of each row's class among the names."""
        return self.features.rows.targets.classes


def backbone_features(workdir: str | Path, source: Source, on_bad_sample: str = "raise") -> NamedFeatures:
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
    mesh = make_mesh(devices=jax.devices()[:1])
    steps = -(-len(samples.checked.indices) // settings.batch_size)
    with contextlib.closing(one_pass(samples, settings, codec)) as stream:
        shown = tqdm(stream, "features", steps, unit="batch", disable=None)
        variables = jax.device_put(run.variables, replicated(mesh))
        return NamedFeatures(codec.names, compute_features(run.task, variables, mesh, shown))


def classes_of(source: Source) -> tuple[str, ...]:
    """Labels of the readable samples, sorted, each once."""
    found = set()
    for index in tqdm(range(len(source)), "labels", unit="image", disable=None, leave=False):
        try:
            found.add(str(source[index].label))
        except BadSampleError:  # the preflight reports it
            continue
    return tuple(sorted(found))
