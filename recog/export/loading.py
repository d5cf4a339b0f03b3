"""Loading and verification of the card and the codec of a serving artifact."""

import json
from pathlib import Path
from typing import NamedTuple

from recog.codecs import Codec, codec_from_json
from recog.export.card import Card
from recog.export.files import CARD, CODEC, VERIFIED, ArtifactError, sha256
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


def _require(folder: Path, *names: str) -> None:
    if not folder.is_dir():
        raise ArtifactError(f"there is no folder {folder}: name one that launch.export wrote")
    missing = [name for name in names if not (folder / name).is_file()]
    if CARD in missing:
        raise ArtifactError(f"{folder} lacks {CARD}: not an artifact written by launch.export")
    if missing:
        raise ArtifactError(f"{folder} lacks {', '.join(missing)}: copy the whole folder again, or export it again")


def _require_small(folder: Path, name: str) -> None:
    if (size := (folder / name).stat().st_size) > LARGEST_JSON:
        raise ArtifactError(f"{folder / name} of {size:,} bytes is not written by launch.export: export it again")
