"""Models of a server, each with its queue."""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from recog.codecs import BoxCodec, ClassCodec, Reading, TextCodec
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.images import UnreadableImageError
from recog.serving.batcher import Batcher
from recog.serving.characters import Character, characters_of
from recog.serving.decoders import NBEST, Decoders, Options
from recog.serving.limits import Limits, check_picture
from recog.serving.log import log
from recog.serving.metrics import Metrics
from recog.serving.plate_reader import PICTURES, Plate, PlateReader
from recog.serving.refusals import BadOptionError, NotAPictureError, TooLargeError

PLATES = "plates"
"""Name of the queue of whole photographs in metrics."""


class Read(NamedTuple):
    """Reading of one picture, and others that were wanted."""

    best: Reading
    characters: list[Character]
    """Tokens of the text from left to right; none for a class."""
    readings: list[Reading]
    """Several readings, best first, if they are wanted."""

    def to_json(self, nbest: int | None) -> dict[str, Any]:
        """Values for JSON, probabilities rounded to four decimal places."""
        found = _reading_json(self.best) | {
            "characters": [{"char": char, "confidence": round(sure, 4)} for char, sure in self.characters]
        }
        return found | ({"readings": [_reading_json(each) for each in self.readings[:nbest]]} if nbest else {})


def _reading_json(reading: Reading) -> dict[str, Any]:
    return {"text": reading.text, "confidence": round(reading.confidence, 4)}


class Reader:
    """A reader or a classifier under its name.

    Args:
      name: name of the model.
      artifact: the model.
      lexicons: files of words by name, for readers.
      limits: limits of the server.
      metrics: metrics of the server.

    Raises:
      ArtifactError: the artifact is that of a detector.
      OSError: a lexicon cannot be read.
    """

    def __init__(self, name: str, artifact: Artifact, lexicons: Mapping[str, Path], limits: Limits, metrics: Metrics):
        if isinstance(artifact.codec, BoxCodec):
            raise ArtifactError(f"{name} is a detector: name it with --detector, and a reader with --artifact")
        self.name, self.artifact = name, artifact
        self.decoders = Decoders(artifact, lexicons)
        self._limits = limits
        by_batch = artifact.card.settings.get("context") == "batch"  # a reading depends on the rest of its batch
        most = 1 if by_batch else artifact.grid.rows[-1]
        seen = metrics.batches.labels(name).observe
        self.batchers: list[Batcher[Options, np.ndarray, Read]] = [
            Batcher(self._run, most, limits.queue, seen) for _ in range(2)
        ]
        """Queues of the usual decoder and of others, whose compilation nobody else should wait for."""
        metrics.watch_queue(name, lambda: sum(batcher.waiting for batcher in self.batchers))

    def fit(self, content: bytes) -> UInt8[np.ndarray, "H W C"]:
        """Preprocesses a picture file.

        Raises:
          RefusedError: too large, or not a picture that can be read.
        """
        check_picture(content, self._limits)
        try:
            return self.artifact.fit(content)
        except UnreadableImageError as error:
            raise NotAPictureError(str(error)) from error
        except ValueError as error:  # too wide once scaled
            raise TooLargeError(str(error)) from error

    def submit(self, options: Options, fitted: Sequence[UInt8[np.ndarray, "H W C"]]) -> "list[Future[Read]]":
        """Queues pictures that `fit` returned; see `Batcher.submit`."""
        return self.batchers[options != Options()].submit(options, fitted)

    def _run(self, options: Options, fitted: list[np.ndarray]) -> list[Read]:
        artifact = self.decoders.decoded_by(options)
        return artifact.in_groups(fitted, functools.partial(_read, artifact, options.listed))


def _read(
    artifact: Artifact, listed: bool, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"]
) -> list[Read]:
    codec = artifact.codec
    if not isinstance(codec, TextCodec):
        found = artifact.predict(images, sizes)
        lists = codec.lists(found, NBEST) if isinstance(codec, ClassCodec) else [[x] for x in codec.readings(found)]
        return [Read(readings[0], [], readings) for readings in lists]
    if not listed:
        found = artifact.predict(images, sizes)
        return list(map(Read, codec.readings(found), characters_of(codec, found), [[]] * len(images)))
    found = artifact.predict_best(images, sizes, NBEST)
    lists = codec.lists(found)
    first = {name: array[:, 0] for name, array in found.items()}
    return list(map(Read, [readings[0] for readings in lists], characters_of(codec, first), lists))


class PlateFinder:
    """A detector, whose plates are read by one of the readers.

    Args:
      detector: artifact of a detector.
      readers: readers of texts by name.
      limits: limits of the server.
      metrics: metrics of the server.

    Raises:
      ArtifactError: the artifact is not that of a detector.
    """

    def __init__(self, detector: Artifact, readers: Mapping[str, Reader], limits: Limits, metrics: Metrics):
        self.detector, self._limits = detector, limits
        self.readers = {n: reader for n, reader in readers.items() if isinstance(reader.artifact.codec, TextCodec)}
        self._upright = PlateReader(detector)
        seen = metrics.batches.labels(PLATES).observe
        self.batchers: list[Batcher[tuple[str, Options], np.ndarray, list[Plate]]] = [
            Batcher(self._run, PICTURES, limits.queue, seen) for _ in range(2)
        ]
        """Queues as those of a `Reader`."""
        metrics.watch_queue(PLATES, lambda: sum(batcher.waiting for batcher in self.batchers))

    def upright(self, content: bytes) -> UInt8[np.ndarray, "H W C"]:
        """Decodes a photograph.

        Raises:
          RefusedError: too large, or not a picture.
        """
        check_picture(content, self._limits)
        try:
            return self._upright.upright(content)
        except UnreadableImageError as error:
            raise NotAPictureError(str(error)) from error

    def submit(self, key: tuple[str, Options], pictures: Sequence[np.ndarray]) -> "list[Future[list[Plate]]]":
        """Queues photographs that `upright` returned, for a reader and its options; see `Batcher.submit`."""
        return self.batchers[key[1] != Options()].submit(key, pictures)

    def _run(self, key: tuple[str, Options], pictures: list[np.ndarray]) -> list[list[Plate]]:
        name, options = key
        reader = self.readers[name].decoders.decoded_by(options) if name else None
        plate_reader = PlateReader(self.detector, reader)
        return plate_reader.read_located(pictures, plate_reader.locate(pictures))


class Models:
    """All models of a server.

    Args:
      artifacts: readers and classifiers by name; requests get the first unless they name another one.
      detector: artifact of a detector of plates; None for none.
      lexicons: files of words by name.
      limits: limits of the server.
      metrics: metrics of the server.

    Raises:
      ValueError: an artifact is not of its kind, or a lexicon suits no model.
    """

    def __init__(
        self,
        artifacts: Mapping[str, Artifact],
        detector: Artifact | None = None,
        lexicons: Mapping[str, Path] | None = None,
        limits: Limits = Limits(),  # noqa: B008 - a value
        metrics: Metrics | None = None,
    ):
        metrics = metrics or Metrics()
        self.readers = {
            name: Reader(name, artifact, lexicons or {}, limits, metrics) for name, artifact in artifacts.items()
        }
        every = {reader.name: reader.decoders for reader in self.readers.values()}
        for name in lexicons or {}:
            if not any(name in decoders.lexicons for decoders in every.values()):
                reasons = [f"{model}: {decoders.left_out[name]}" for model, decoders in every.items()]
                told = "; ".join(reasons) or "there is no reader"
                raise ValueError(f"the lexicon {name} suits no model ({told}): leave it out")
        self.plates = PlateFinder(detector, self.readers, limits, metrics) if detector else None

    def reader(self, name: str = "") -> Reader:
        """A reader or classifier by name; the first one for an empty name.

        Raises:
          BadOptionError: there is none.
        """
        if not self.readers:
            raise BadOptionError("this server has a detector alone: send photographs to /v1/plates")
        if name and name not in self.readers:
            raise BadOptionError(f"model={name!r:.50} is unknown; expected {' or '.join(self.readers)}")
        return self.readers[name or next(iter(self.readers))]

    def text_reader(self, name: str = "") -> str:
        """Name of the reader of plates: the first one of texts for an empty name; empty if there is none.

        Raises:
          BadOptionError: there is no such reader.
        """
        readers = self.plates.readers if self.plates else {}
        if name and name not in readers:
            raise BadOptionError(f"model={name!r:.50} does not read plates; expected {' or '.join(readers) or 'none'}")
        return name or next(iter(readers), "")

    def warm_up(self, widths: Sequence[int] | None = None, proceed: Callable[[], bool] = lambda: True) -> None:
        """Compiles what the usual pictures need; logs a line for each model.

        Args:
          widths: widths in pixels of pictures to expect; None for all usual ones.
          proceed: asked before each compilation; ends the warm-up where it returns false.
        """
        for name, reader in self.readers.items():
            _warm_up(name, reader.artifact, widths, None, proceed)
        if self.plates:
            _warm_up(PLATES, self.plates.detector, None, range(1, PICTURES + 1), proceed)

    def close(self) -> None:
        """Reads what waits, and ends the threads."""
        for queued in [*self.readers.values(), *([self.plates] if self.plates else [])]:
            for batcher in queued.batchers:
                batcher.close()


def _warm_up(
    name: str,
    artifact: Artifact,
    widths: Sequence[int] | None,
    rows: Sequence[int] | None,
    proceed: Callable[[], bool],
) -> None:
    started = time.perf_counter()
    shapes = artifact.warm_up(widths, rows, proceed)
    log("prepared", model=name, programs=len(shapes), seconds=round(time.perf_counter() - started, 1))
