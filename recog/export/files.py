"""Files of a serving artifact."""

import hashlib
from pathlib import Path

PROGRAM, PARAMETERS, CODEC = "program.bin", "parameters.safetensors", "codec.json"
CONFIG, CARD, CARD_TEXT = "config.json", "card.json", "card.md"
FILES = (PROGRAM, PARAMETERS, CODEC, CONFIG, CARD, CARD_TEXT)
"""All files of an artifact."""
VERIFIED = (PROGRAM, PARAMETERS, CODEC)
"""Files that determine predictions; the card holds their digests."""


class ArtifactError(ValueError):
    """A folder is not an artifact, or has changed since it was exported."""


def sha256(path: Path) -> str:
    """SHA-256 digest of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
