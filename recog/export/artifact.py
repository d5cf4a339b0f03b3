"""The serving artifact: a folder that reads pictures with JAX alone, without the code that trained it.

``program.bin`` is the StableHLO program (`jax.export`): from uint8 pixels to token ids, for any batch size and (but for
models of one width) any width, with the parameters as arguments. ``parameters.safetensors``, ``alphabet.json`` and
``card.json`` complete it; ``config.json`` and ``card.md`` are for people.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
import safetensors.numpy
from jax import export
from jaxtyping import Int, UInt8

from recog.alphabet import Alphabet
from recog.decoded import Decoded, Reading, texts
from recog.export.card import Card
from recog.export.pictures import fit, groups, pad
from recog.images import decode

PROGRAM, PARAMETERS, ALPHABET = "program.bin", "parameters.safetensors", "alphabet.json"
CONFIG, CARD, CARD_TEXT = "config.json", "card.json", "card.md"
FILES = (PROGRAM, PARAMETERS, ALPHABET, CONFIG, CARD, CARD_TEXT)
"""All of an artifact."""
VERIFIED = (PROGRAM, PARAMETERS, ALPHABET)
"""Files that decide what is read; the card holds their digests."""


class ArtifactError(ValueError):
    """A folder is no artifact, or no longer the one that was exported."""


class Artifact:
    """A reader loaded from a folder; programs are compiled as shapes are met, and kept.

    Example::

      artifact = Artifact.load("plates")
      for text, confidence in artifact.read_pictures(pictures):  # uint8 arrays H W C of any size
          print(text, confidence)
    """

    def __init__(self, program: export.Exported, parameters: dict[str, np.ndarray], alphabet: Alphabet, card: Card):
        self.parameters = jax.device_put(parameters)
        self.alphabet = alphabet
        self.card = card
        self._call = jax.jit(program.call)

    @classmethod
    def load(cls, folder: str | Path) -> "Artifact":
        """Opens an artifact and makes sure that it is whole.

        Raises:
          ArtifactError: a file is missing, damaged or not the one that was exported, or of another version.
        """
        folder = Path(folder)
        if missing := [name for name in (CARD, *VERIFIED) if not (folder / name).is_file()]:
            raise ArtifactError(f"{folder} lacks {', '.join(missing)}: it is no artifact that launch.export wrote")
        try:
            card = Card.from_file(folder / CARD)
        except ValueError as error:
            raise ArtifactError(str(error)) from error
        for name in VERIFIED:
            if sha256(folder / name) != card.sha256.get(name):
                raise ArtifactError(
                    f"{folder / name} is damaged or of another artifact (its sha256 is not the one in {CARD}): "
                    "copy the whole folder again, or export it again"
                )
        try:
            program = export.deserialize(bytearray((folder / PROGRAM).read_bytes()))
        except Exception as error:  # whatever jax meets in a program of another age
            raise ArtifactError(
                f"{folder / PROGRAM}: jax {jax.__version__} cannot load what jax {card.versions.get('jax')} exported "
                f"({error}): install that version, or export the checkpoint again"
            ) from error
        parameters = safetensors.numpy.load_file(folder / PARAMETERS)
        alphabet = Alphabet.from_dict(json.loads((folder / ALPHABET).read_text(encoding="utf-8")))
        return cls(program, parameters, alphabet, card)

    def read_tokens(self, images: UInt8[np.ndarray, "B H W C"], widths: Int[np.ndarray, " B"]) -> Decoded:
        """Token ids of a padded batch (see `read`), as NumPy arrays."""
        height, width, channels = self.card.height, self.card.width, self.card.channels
        if (
            images.dtype != np.uint8
            or images.ndim != 4
            or images.shape[1:]
            != (
                height,
                width or images.shape[2],
                channels,
            )
        ):
            raise ValueError(
                f"images are {images.dtype} {images.shape}: "
                f"this artifact takes uint8 (B, {height}, {width or 'W'}, {channels})"
            )
        if widths.shape != images.shape[:1] or np.any(widths < 0) or np.any(widths > images.shape[2]):
            raise ValueError(
                f"widths {widths.tolist()}: give one for each of the {images.shape[0]} pictures, 1 to "
                f"{images.shape[2]}, or 0 for a row without one"
            )
        return Decoded(**jax.device_get(self._call(self.parameters, images, widths.astype(np.int32))))

    def read(self, images: UInt8[np.ndarray, "B H W C"], widths: Int[np.ndarray, " B"]) -> list[Reading]:
        """Reads a batch of filtered, scaled and padded pictures as it is; every new shape costs a compilation.

        Args:
          images: height and channels as the card says, padded with zeros on the right.
          widths: columns of each picture that are not padding, 1 to ``W``; 0 for a row that holds none.

        Raises:
          ValueError: another shape or type.
        """
        return texts(self.alphabet, self.read_tokens(images, widths))

    def read_pictures(self, pictures: Sequence[UInt8[np.ndarray, "..."]]) -> list[Reading]:
        """Reads pictures of any size, grayscale or RGB, in as few batches and shapes as will do.

        Raises:
          ValueError: an array is no picture, or one too wide.
        """
        return self.read_fitted([self.fit(picture) for picture in pictures])

    def read_fitted(self, fitted: Sequence[UInt8[np.ndarray, "H W C"]]) -> list[Reading]:
        """Reads what `fit` or `decode` made of pictures; to fit them again would filter them twice."""
        readings: dict[int, Reading] = {}
        for group in groups([picture.shape[1] for picture in fitted]):
            read = self.read(*pad([fitted[index] for index in group], self.card.width))
            readings |= zip(group, read, strict=False)  # rows beyond the group fill the batch up
        return [readings[index] for index in range(len(fitted))]

    def fit(self, picture: UInt8[np.ndarray, "..."]) -> UInt8[np.ndarray, "H W C"]:
        """A picture with this artifact's channels, filters and size; raises ``ValueError`` where it is none."""
        return fit(picture, self.card.height, self.card.channels, self.card.width, self.card.filters)

    def decode(self, encoded: bytes) -> UInt8[np.ndarray, "H W C"]:
        """The content of a picture file, ready for `read_fitted`.

        Raises:
          ValueError: it is no picture, or one too wide.
        """
        return self.fit(decode(encoded, self.card.channels))


def sha256(path: Path) -> str:
    """The digest of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
