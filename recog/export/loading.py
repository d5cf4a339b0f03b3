"""Loading and verification of the files of a serving artifact."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import safetensors
import safetensors.numpy
from jax import export

from recog.codecs import Codec, codec_from_json
from recog.export.card import Card
from recog.export.files import CARD, CODEC, PARAMETERS, PROGRAM, VERIFIED, ArtifactError, sha256
from recog.structure import Structure

LARGEST_JSON = 2**24
"""Maximum size in bytes of the card and the codec, which are read whole."""


class Parts(NamedTuple):
    """Parts of a text that a model reads."""

    structure: Structure
    scores: str
    """``ctc`` or ``attention``, the kind of decoders that the logits are for."""


def load_card(folder: Path) -> Card:
    """Loads the card and verifies the files that it holds digests of.

    Raises:
      ArtifactError: a file is missing, damaged, too large, of another artifact or of another version.
    """
    _require(folder, CARD)
    _require_small(folder, CARD)
    try:
        card = Card.from_file(folder / CARD)
    except ValueError as error:
        raise ArtifactError(str(error)) from error
    _require(folder, *VERIFIED)  # after the format: other formats have other files
    _require_small(folder, CODEC)
    for name in VERIFIED:
        if sha256(folder / name) != card.sha256.get(name):
            raise ArtifactError(
                f"{folder / name} is damaged or of another artifact (its sha256 differs from that in {CARD}): "
                "copy the whole folder again, or export it again"
            )
    return card


def load_program(folder: Path, card: Card) -> export.Exported:
    """Loads the program.

    Raises:
      ArtifactError: it is of another version of jax, or takes other pictures than the card describes.
    """
    try:
        program = export.deserialize(bytearray((folder / PROGRAM).read_bytes()))
    except Exception as error:  # of any type, for programs of other versions
        raise ArtifactError(
            f"{folder / PROGRAM}: jax {jax.__version__} cannot load programs of jax {card.versions.get('jax')} "
            f"({error}): install that version, or export the checkpoint again"
        ) from error
    _, images, _ = _arguments(program)
    size = card.preprocess.height, card.preprocess.width or images.shape[2], card.preprocess.channels
    if images.shape[1:] != size:
        raise ArtifactError(
            f"{folder / CARD} describes pictures of {size}, {PROGRAM} takes {images.shape[1:]}: copy or export the "
            "artifact again"
        )
    return program


def load_parameters(folder: Path, program: export.Exported) -> dict[str, np.ndarray]:
    """Loads the parameters.

    Raises:
      ArtifactError: they are not those that the program takes, or not finite.
    """
    path, (wanted, *_) = folder / PARAMETERS, _arguments(program)
    try:
        parameters = safetensors.numpy.load_file(path)
    except (safetensors.SafetensorError, ValueError, LookupError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}): export the artifact again") from error
    if _kinds(parameters) != _kinds(wanted):
        raise ArtifactError(f"{path} holds other arrays than {PROGRAM} takes: export the artifact again")
    for name, array in parameters.items():
        if not np.isfinite(array).all():
            raise ArtifactError(f"{path}: {name} holds numbers that are not finite: export the artifact again")
    return parameters


def load_codec(folder: Path) -> tuple[Codec, Parts | None]:
    """Loads the codec, with the parts of a text if the model reads by parts.

    Raises:
      ArtifactError: the file holds no codec.
    """
    path = folder / CODEC
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        parts = Parts(Structure.from_json(saved["structure"]), saved["scores"]) if "structure" in saved else None
        return codec_from_json(saved), parts
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"{path} holds no codec ({error}): export the artifact again") from error


def _arguments(program: export.Exported) -> tuple[Any, Any, Any]:
    """Shapes of the parameters, pictures and sizes that a program takes."""
    return jax.tree.unflatten(program.in_tree, program.in_avals)[0]


def _require(folder: Path, *names: str) -> None:
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise ArtifactError(f"{folder} lacks {', '.join(missing)}: not an artifact written by launch.export")


def _require_small(folder: Path, name: str) -> None:
    if (size := (folder / name).stat().st_size) > LARGEST_JSON:
        raise ArtifactError(f"{folder / name} of {size:,} bytes is not written by launch.export: export it again")


def _kinds(arrays: Mapping[str, np.ndarray | jax.ShapeDtypeStruct]) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    return {name: (array.shape, array.dtype) for name, array in arrays.items()}
