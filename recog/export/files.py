"""Files of a serving artifact."""

import hashlib
from pathlib import Path

PROGRAM, PARAMETERS, CODEC = "program.bin", "parameters.safetensors", "codec.json"
CONFIG, CARD, CARD_TEXT = "config.json", "card.json", "card.md"
FILES = (PROGRAM, PARAMETERS, CODEC, CONFIG, CARD, CARD_TEXT)
"""All files of an artifact without ONNX programs."""
VERIFIED = (PROGRAM, PARAMETERS, CODEC)
"""Files that determine predictions; the card holds their digests."""
ONNX, ONNX_FLOAT = "model.onnx", "model_nchw_float.onnx"
"""ONNX programs, which an artifact may lack: of the StableHLO program's inputs, and of the layout ``nchw_float``. The
card holds the digests of those that there are."""


class ArtifactError(ValueError):
    """A folder is not an artifact, or has changed since it was exported."""


def sha256(path: Path) -> str:
    """SHA-256 digest of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
