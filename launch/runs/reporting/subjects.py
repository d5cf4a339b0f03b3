"""Trained models to report on: runs in work folders, and artifacts."""

import abc
import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy import special

from datasets.pipeline import DataConfig
from datasets.specs import open_source
from launch.runs.data import Samples, check, needs_to_measure
from launch.runs.evaluating import own_samples
from launch.runs.evaluating_artifact import settings_of
from launch.runs.exported import load_task, load_variables
from launch.runs.folder import load_json, load_run
from recog.codecs import ClassCodec, Codec, TextCodec
from recog.evaluation.evaluator import Evaluator
from recog.explaining import Explanation, explain
from recog.export.artifact import Artifact
from recog.export.files import CARD, CONFIG
from recog.mesh import make_mesh, replicated, rows_for
from recog.serving.artifact_evaluator import ArtifactEvaluator
from recog.serving.named import ZOO, artifact_folder
from recog.tasks.class_scores import SIGMOID, SOFTMAX
from recog.tasks.classifying import ClassifyingTask

KEPT = ("probabilities", "logits")
"""Outputs of classifiers that evaluations keep."""


class Facts(NamedTuple):
    """Description of a model for people."""

    name: str
    """Name of its folder, or of an artifact that comes with the package."""
    architecture: str
    parameters: int
    """Number of parameters."""
    training: str
    """Length and samples of its training, or its origin."""


class Subject(abc.ABC):
    """A trained model with its preprocessing."""

    codec: Codec
    settings: DataConfig
    """Loading of its samples."""
    evaluator: Any
    """Function from batches to `recog.evaluation.tally.Evaluation`."""
    given: str
    """Name under which the user gave it."""

    @property
    @abc.abstractmethod
    def facts(self) -> Facts:
        """Description of the model."""

    @property
    @abc.abstractmethod
    def sigmoid(self) -> bool:
        """Whether a classifier's probabilities are sigmoids divided by their sum."""

    @property
    def explainable(self) -> bool:
        """Whether explanations read as the model does, with gradients."""
        return True

    @abc.abstractmethod
    def explain(
        self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"], targets: Any
    ) -> list[Explanation]:
        """Evidence for the predictions of padded pictures with their targets."""

    def open(self, spec: str, on_bad_sample: str) -> Samples:
        """Opens and checks samples, which may be wider and have longer labels than those of the training."""
        asked = needs_to_measure(self.settings, self.codec.for_measuring())
        return check(open_source(spec), asked, on_bad_sample, "samples")

    @functools.cached_property
    def own(self) -> tuple[str, Samples] | None:
        """Validation samples of the model's training, with their name; None if it has none."""
        return None

    @property
    def keeps(self) -> tuple[str, ...]:
        """Outputs that evaluations keep."""
        return KEPT if isinstance(self.codec, ClassCodec) else ()


class RunSubject(Subject):
    """The best checkpoint of a work folder."""

    def __init__(self, workdir: str):
        self.given, self._workdir = workdir, Path(workdir)
        self.run = load_run(workdir)
        self.codec, self._mesh = self.run.task.codec, make_mesh()
        rows = rows_for(self._mesh, self.run.config.data.batch_size)
        self.settings = dataclasses.replace(self.run.config.data, batch_size=rows, buckets=())
        self.evaluator = functools.partial(
            Evaluator(self.run.task, self._mesh, keeps=self.keeps),
            jax.device_put(self.run.variables, replicated(self._mesh)),
        )

    @property
    def facts(self) -> Facts:
        run = self.run
        count = sum(np.size(leaf) for leaf in jax.tree.leaves(run.variables["params"]))
        trained = f"{run.step:,} steps on {run.config.data.train}"
        if run.imported:
            trained = f"imported: {run.imported['source']}, {run.imported['weights']}"
        return Facts(self._workdir.resolve().name, type(run.task.model).__name__, count, trained)

    @property
    def sigmoid(self) -> bool:
        return isinstance(self.run.task, ClassifyingTask) and self.run.task.scores.kind == SIGMOID

    @functools.cached_property
    def own(self) -> tuple[str, Samples] | None:
        data = self.run.config.data
        if not data.train:
            return None
        name = data.validation or f"{data.held_out} of {data.train}, held out"
        return name, own_samples(self.run, self._workdir)

    def explain(
        self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"], targets: Any
    ) -> list[Explanation]:
        targets = targets if isinstance(self.codec, TextCodec) else None
        return explain(self.run.task, self.run.variables, images, sizes, targets)


class ArtifactSubject(Subject):
    """A folder that ``launch.export`` wrote, or ``zoo:NAME``."""

    def __init__(self, artifact: str):
        self.given, self.folder = artifact, artifact_folder(artifact)
        self.model = Artifact.load(self.folder)
        self.codec = self.model.codec
        self.settings = settings_of(self.model.card.preprocess, "raise")
        self.evaluator = ArtifactEvaluator(self.model, keeps=self.keeps)

    @property
    def facts(self) -> Facts:
        card = self.model.card
        trained = f"{card.step:,} steps on {card.training_data}" if card.step else f"imported: {card.training_data}"
        name = self.given if self.given.startswith(ZOO) else self.folder.resolve().name
        return Facts(name, card.architecture, card.parameters, trained)

    @property
    def sigmoid(self) -> bool:
        return self.model.card.settings.get("loss", SOFTMAX) == SIGMOID

    @property
    def explainable(self) -> bool:
        return not self.model.card.decoder and bool(load_json(self.folder / CONFIG))

    def explain(
        self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"], targets: Any
    ) -> list[Explanation]:
        if self.explainable:
            targets = targets if isinstance(self.codec, TextCodec) else None
            return explain(load_task(self.folder), load_variables(self.folder), images, sizes, targets)
        return self._heat_maps(images, sizes)

    def _heat_maps(self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"]) -> list[Explanation]:
        rows, explained = self.settings.batch_size, []  # programs are compiled for this number already
        for start in range(0, len(images), rows):
            part = images[start : start + rows], sizes[start : start + rows]
            missing = rows - len(part[0])
            found = self.model.predict(*(np.pad(x, [(0, missing)] + [(0, 0)] * (x.ndim - 1)) for x in part))
            heats = _heats(found)
            explained += [Explanation(heats={n: x[row] for n, x in heats.items()}) for row in range(len(part[0]))]
        return explained


def _heats(found: dict[str, Any]) -> dict[str, list[Float[np.ndarray, "T K"]]]:
    """Probabilities of the classes by frame for each row, by name of the branch; none without CTC logits."""
    first = "logit_lengths"
    heats = {}
    for name in sorted(found):
        if name.startswith(first):
            shares = special.softmax(found[name.replace(first, "logits")], axis=2)
            branch = name.removeprefix(first).removeprefix(".") or "text"
            heats[branch] = [row[:length] for row, length in zip(shares, found[name], strict=True)]
    return heats


def open_subject(workdir: str | None, artifact: str | None) -> Subject:
    """Loads a model of which exactly one name is given.

    Raises:
      ValueError: none or both are given, or the folder holds no such model.
    """
    if bool(workdir) == bool(artifact):
        raise ValueError("name the model: either --workdir=DIR or --artifact=ARTIFACT")
    return RunSubject(workdir) if workdir else ArtifactSubject(artifact or "")


def open_other(name: str) -> Subject:
    """Loads the model of ``--against``, a work folder with checkpoints or an artifact.

    Raises:
      ValueError: the folder holds neither.
    """
    if Path(name, "checkpoints").is_dir():
        return RunSubject(name)
    if not name.startswith(ZOO) and not Path(name, CARD).is_file():
        raise ValueError(
            f"--against={name} holds neither checkpoints nor an artifact: name a folder that launch.train or "
            "launch.export wrote, or zoo:NAME"
        )
    return ArtifactSubject(name)


def require_same_kind(one: Codec, other: Codec, names: Sequence[str]) -> None:
    """Raises ``ValueError`` if two models have different kinds of labels or, for classes and boxes, other names."""
    if one.kind != other.kind:
        raise ValueError(
            f"{names[0]} predicts {one.kind}, {names[1]} {other.kind}: compare models of one kind of label"
        )
    if one.kind != "text" and sorted(one.units) != sorted(other.units):
        raise ValueError(f"{names[0]} and {names[1]} have different classes: compare models of the same classes")
