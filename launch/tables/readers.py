"""Trained readers that tables compare: work folders and artifacts, loaded once and measured on many sets."""

import abc
import contextlib
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import grain.python as grain
import jax
import numpy as np

from datasets.pipeline import DataConfig
from datasets.sources import Source
from launch.runs.data import check, needs_to_measure, one_pass
from launch.runs.decoding import decoding_on_host
from launch.runs.evaluating_artifact import settings_of
from launch.runs.folder import load_run
from recog.cli.decoding import Decoding, artifact_decoded_by
from recog.codecs import Codec, TextCodec
from recog.decoded import Decoded
from recog.evaluation.evaluator import Evaluator
from recog.evaluation.tally import Decode, Evaluation
from recog.export.artifact import Artifact
from recog.mesh import make_mesh, replicated, rows_for
from recog.metrics import ReadingCounts
from recog.serving.artifact_evaluator import ArtifactEvaluator
from recog.serving.named import ZOO, artifact_folder
from recog.tasks.reading import ReadingTask

BEST_PATH = Decoding("best_path")


class Score(NamedTuple):
    """Counts over the samples of a source."""

    counts: ReadingCounts
    skipped: int
    """Number of samples that cannot be used, which the counts leave out."""


class _Decoding:
    """A `recog.evaluation.tally.Decode` whose decoder is changed between evaluations, so that nothing compiles anew."""

    decode: Decode

    def __call__(self, logits: np.ndarray, lengths: np.ndarray, ids: Sequence[int], labels: Sequence[str]) -> Decoded:
        return self.decode(logits, lengths, ids, labels)


class Reader(abc.ABC):
    """A trained reader of texts.

    Args:
      name: name in the tables.
      codec: codec of its labels.
      settings: loading of samples.
      whole_texts: whether it has CTC logits of a whole text, which lexicons need.
    """

    def __init__(self, name: str, codec: Codec, settings: DataConfig, *, whole_texts: bool):
        if not isinstance(codec, TextCodec):
            raise ValueError(f"{name} predicts {codec.kind}: the table compares readers of texts")
        self.name, self.codec, self.whole_texts = name, codec, whole_texts
        self._settings, self._decoding = settings, _Decoding()

    def score(self, source: Source, title: str, decoding: Decoding = BEST_PATH, on_bad_sample: str = "raise") -> Score:
        """Reads all samples once.

        Args:
          source: labelled samples.
          title: their name, for progress and messages.
          decoding: best path or lexicon.
          on_bad_sample: ``raise`` or ``skip`` samples that cannot be used.

        Raises:
          ValueError: a sample or the decoder does not suit the reader.
        """
        settings, codec = dataclasses.replace(self._settings, on_bad_sample=on_bad_sample), self.codec.for_measuring()
        with contextlib.redirect_stdout(sys.stderr):  # the table alone goes to the standard output
            samples = check(source, needs_to_measure(settings, codec), on_bad_sample, f"{self.name} on {title}")
            frames = self._frames(int(samples.checked.widths.max()))
            on_host = decoding_on_host(self.codec, decoding, samples, whole_texts=self.whole_texts, frames=frames)
            if on_host:
                self._decoding.decode = on_host
            with contextlib.closing(one_pass(samples, settings, codec)) as stream:
                evaluation = self._evaluate(stream, by_lexicon=on_host is not None)
        assert isinstance(evaluation.counts, ReadingCounts)
        return Score(evaluation.counts, len(source) - evaluation.counts.count)

    @abc.abstractmethod
    def _frames(self, width: int) -> int | None:
        """CTC frames of a picture of this width; None if unknown."""

    @abc.abstractmethod
    def _evaluate(self, stream: grain.DatasetIterator, *, by_lexicon: bool) -> Evaluation:
        """Evaluates batches by the best path, or with the decoder of the host."""


class TrainedReader(Reader):
    """A reader in a work folder."""

    def __init__(self, name: str, workdir: str):
        run, self._mesh = load_run(workdir), make_mesh()
        rows = rows_for(self._mesh, run.config.data.batch_size)
        settings = dataclasses.replace(run.config.data, batch_size=rows, buckets=())
        super().__init__(name, run.task.codec, settings, whole_texts=isinstance(run.task, ReadingTask))
        self._task = run.task
        self._variables = jax.device_put(run.variables, replicated(self._mesh))
        self._evaluators = {
            False: Evaluator(run.task, self._mesh),
            True: Evaluator(run.task, self._mesh, self._decoding),
        }

    def _frames(self, width: int) -> int | None:
        return self._task.frames(width) if isinstance(self._task, ReadingTask) else None

    def _evaluate(self, stream: grain.DatasetIterator, *, by_lexicon: bool) -> Evaluation:
        return self._evaluators[by_lexicon](self._variables, stream)


class ExportedReader(Reader):
    """The artifact of a reader, without the decoder that it was exported with."""

    def __init__(self, name: str, artifact: str):
        self._artifact = Artifact.load(artifact_folder(artifact))
        settings = settings_of(self._artifact.card.preprocess, "raise")
        super().__init__(name, self._artifact.codec, settings, whole_texts=self._artifact.reads_whole_texts)
        best_path = artifact_decoded_by(self._artifact, BEST_PATH)
        self._evaluators = {
            False: ArtifactEvaluator(best_path),
            True: ArtifactEvaluator(self._artifact, self._decoding),
        }

    def _frames(self, width: int) -> int | None:
        del width
        return self._artifact.frames

    def _evaluate(self, stream: grain.DatasetIterator, *, by_lexicon: bool) -> Evaluation:
        return self._evaluators[by_lexicon](stream)


def parse_named(text: str) -> tuple[str, str]:
    """Name and folder of ``NAME=FOLDER``; a folder alone is named by its last part.

    Folders of ablations have equals signs in their names: a text that is a folder is one.
    """
    name, equals, folder = text.partition("=")
    if not equals or Path(text).exists() or text.startswith(ZOO):
        return Path(text).name or text, text
    if not (name.strip() and folder):
        raise ValueError(f"{text}: write NAME=FOLDER, or a folder")
    return " ".join(name.split()), folder


def open_readers(workdirs: Sequence[str], artifacts: Sequence[str]) -> list[Reader]:
    """Loads readers.

    Args:
      workdirs: work folders, each ``NAME=FOLDER`` or a folder.
      artifacts: artifacts, likewise, or ``zoo:NAME``.

    Raises:
      ValueError: a folder is not one of a reader, or two readers have the same name.
    """
    named = [(TrainedReader, *parse_named(text)) for text in workdirs]
    named += [(ExportedReader, *parse_named(text)) for text in artifacts]
    names = [name for _, name, _ in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"several readers are named {', '.join(twice)}: name them apart, NAME=FOLDER")
    return [kind(name, folder) for kind, name, folder in named]
