"""Whole photographs to plates: locating, rectifying and reading with two artifacts."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from recog.codecs import BoxCodec, Prediction, Reading, TextCodec
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.metrics.boxes import THRESHOLD
from recog.rectify import MARGIN, rectify, usable_corners
from recog.serving.characters import Character, characters_of

PICTURES = 8
"""Number of photographs that are searched together."""
CROPS = 64
"""Maximum number of plates that are read together."""

NOTHING = Reading("", 0.0)


class Plate(NamedTuple):
    """One plate of a photograph; positions are in the photograph's own pixels."""

    text: str
    """Reading; empty without a reader."""
    confidence: float
    """Probability that the text is right, 0 to 1."""
    characters: list[Character]
    """Tokens of the text from left to right."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom."""
    corners: tuple[tuple[float, float], ...]
    """Corners from which the plate was rectified, clockwise from its own top left: those that the detector predicts,
    or those of the box if they cannot be used."""
    detection_confidence: float
    """Score of the detection, 0 to 1."""
    name: str
    """Class of the detection."""

    def to_json(self) -> dict[str, Any]:
        """Values for JSON: positions rounded to tenths of a pixel, probabilities to four decimal places."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "characters": [{"char": char, "confidence": round(sure, 4)} for char, sure in self.characters],
            "box": [round(x, 1) for x in self.box],
            "corners": [[round(x, 1), round(y, 1)] for x, y in self.corners],
            "detection_confidence": round(self.detection_confidence, 4),
            "class": self.name,
        }


class PlateReader:
    """Finds the plates of photographs and reads each of them.

    Example::

      plate_reader = PlateReader(Artifact.load("finder"), Artifact.load("plates"))
      for plate in plate_reader.read([picture])[0]:  # uint8 H W 3 in RGB order, or the content of a picture file
          print(plate.text, plate.box)

    Args:
      detector: artifact of a detector.
      reader: artifact of a reader, which may have another decoder (`Artifact.decoded_by`); None leaves texts empty.
      threshold: minimum score of a detection, 0 to 1.
      margin: border around each plate that the reader sees, relative to the plate's height.
      batch_size: number of photographs that are searched together.

    Raises:
      ArtifactError: an artifact is not of its kind.
      ValueError: the threshold or the margin is out of its range.
    """

    def __init__(
        self,
        detector: Artifact,
        reader: Artifact | None = None,
        threshold: float = THRESHOLD,
        margin: float = MARGIN,
        batch_size: int = PICTURES,
    ):
        if not isinstance(detector.codec, BoxCodec):
            raise ArtifactError(
                f"the detector's artifact predicts {detector.codec.kind}, not boxes: give one exported from a detector "
                "as the detector, and one exported from a reader as the reader"
            )
        if reader and not isinstance(reader.codec, TextCodec):
            raise ArtifactError(
                f"the reader's artifact predicts {reader.codec.kind}, not texts: give one exported from a reader as "
                "the reader, and one exported from a detector as the detector"
            )
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold={threshold}: choose a score of 0 to 1")
        if not 0 <= margin <= 1:
            raise ValueError(f"margin={margin}: choose a share of the plate's height, 0 to 1")
        self.detector, self.reader = detector, reader
        self.threshold, self.margin, self._batch_size = threshold, margin, batch_size
        self._names = detector.codec.names
        self._upright = dataclasses.replace(detector.card.preprocess, channels=3)

    def upright(self, picture: bytes | UInt8[np.ndarray, "..."]) -> UInt8[np.ndarray, "H W C"]:
        """The photograph in its own size, turned by its Exif orientation and opaque, as `locate` takes it.

        Raises:
          ValueError: not decodable, or an array that is not a picture.
        """
        found = self._upright.decode(picture)
        found = found[..., None] if found.ndim == 2 else found
        if found.dtype != np.uint8 or found.ndim != 3 or found.shape[2] not in (1, 3) or not found.size:
            raise ValueError(
                f"an array of {found.dtype} {found.shape} is not a picture: "
                "give uint8, H W 1 (grayscale), H W 3 (RGB) or H W 4 (RGBA)"
            )
        return found

    def read(self, pictures: Sequence[bytes | UInt8[np.ndarray, "..."]]) -> list[list[Plate]]:
        """Plates of each photograph, by decreasing detection score.

        Raises:
          ValueError: see `upright`.
        """
        upright = [self.upright(picture) for picture in pictures]
        return self.read_located(upright, self.locate(upright))

    def locate(self, pictures: Sequence[UInt8[np.ndarray, "H W C"]]) -> list[Prediction]:
        """Detections of each photograph, with any score, in its own pixels.

        Args:
          pictures: photographs as `upright` returns them.

        Returns:
          ``boxes`` float32 N 4, ``corners`` float32 N 4 2, ``classes``, ``scores`` and ``mask`` as for an artifact.
        """
        located = []
        for start in range(0, len(pictures), self._batch_size):
            chosen = pictures[start : start + self._batch_size]
            fitted = [self.detector.fit(picture) for picture in chosen]
            for picture, small, found in zip(
                chosen, fitted, self.detector.in_groups(fitted, self._locate), strict=True
            ):
                factors = np.array(picture.shape[1::-1]) / small.shape[1::-1]  # x, y
                boxes = (found["boxes"] * np.tile(factors, 2)).astype(np.float32)
                corners = (found["corners"] * factors).astype(np.float32)
                located.append(found | {"boxes": boxes, "corners": corners})
        return located

    def read_located(
        self, pictures: Sequence[UInt8[np.ndarray, "H W C"]], located: Sequence[Prediction]
    ) -> list[list[Plate]]:
        """Reads the detections whose score reaches the threshold.

        Args:
          pictures: photographs as `upright` returns them.
          located: their detections, as `locate` returns them.
        """
        chosen = [np.flatnonzero(found["mask"] & (found["scores"] >= self.threshold)).tolist() for found in located]
        corners = [
            [usable_corners(found["corners"][place], found["boxes"][place]) for place in places]
            for places, found in zip(chosen, located, strict=True)
        ]
        readings = iter(self._read_crops(pictures, corners))
        return [
            [self._plate(found, *each, *next(readings)) for each in zip(places, quadrilaterals, strict=True)]
            for found, places, quadrilaterals in zip(located, chosen, corners, strict=True)
        ]

    def _plate(
        self, found: Prediction, place: int, corners: np.ndarray, reading: Reading, characters: list[Character]
    ) -> Plate:
        return Plate(
            text=reading.text,
            confidence=reading.confidence,
            characters=characters,
            box=tuple(found["boxes"][place].tolist()),
            corners=tuple((x, y) for x, y in corners.tolist()),
            detection_confidence=float(found["scores"][place]),
            name=self._names[found["classes"][place]],
        )

    def _locate(self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"]) -> list[Prediction]:
        found = self.detector.predict(images, sizes)
        return [{name: array[row] for name, array in found.items()} for row in range(len(images))]

    def _read_crops(
        self, pictures: Sequence[np.ndarray], corners: Sequence[Sequence[np.ndarray]]
    ) -> list[tuple[Reading, list[Character]]]:
        """Readings of all plates of all photographs, in order."""
        every = [(picture, each) for picture, own in zip(pictures, corners, strict=True) for each in own]
        if self.reader is None:
            return [(NOTHING, [])] * len(every)
        readings, height = [], self.reader.card.preprocess.height
        for start in range(0, len(every), CROPS):
            crops = [rectify(picture, each, height, self.margin) for picture, each in every[start : start + CROPS]]
            readings += self.reader.in_groups([self.reader.fit(crop) for crop in crops], self._read_batch)
        return readings

    def _read_batch(
        self, images: UInt8[np.ndarray, "B H W C"], sizes: Int[np.ndarray, "B 2"]
    ) -> list[tuple[Reading, list[Character]]]:
        assert self.reader
        found, codec = self.reader.predict(images, sizes), self.reader.codec
        assert isinstance(codec, TextCodec)
        return list(zip(codec.readings(found), characters_of(codec, found), strict=True))
