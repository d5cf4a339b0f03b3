"""Checksums of checkpoints, because storage formats do not notice every changed byte of an array."""

import json
import zlib
from typing import Any

import jax
import numpy as np

from recog.training.state import TrainState

CARD = "card"
"""Name of the card's checksum; those of arrays have the name of their path in the state."""


class DamagedCheckpointError(ValueError):
    """A checkpoint was restored with other values than were saved."""


def checksums(state: TrainState, card: dict[str, Any]) -> dict[str, int]:
    """CRC-32 of the card and of each array by its path; without arrays of which other processes hold parts."""
    paths = jax.tree_util.tree_flatten_with_path(state)[0]
    arrays = {jax.tree_util.keystr(path): _crc(array) for path, array in paths if _is_whole(array)}
    return {CARD: zlib.crc32(json.dumps(card, sort_keys=True).encode()), **arrays}


def check(state: TrainState, card: dict[str, Any], saved: dict[str, int]) -> None:
    """Raises `DamagedCheckpointError`, naming what differs, unless state and card have these checksums."""
    found = checksums(state, card)
    if damaged := [name for name, value in saved.items() if found.get(name, value) != value]:
        more = f" and {len(damaged) - 1} more" if damaged[1:] else ""
        raise DamagedCheckpointError(f"the checksum of {damaged[0]}{more} differs")


def _is_whole(array: jax.Array | np.ndarray) -> bool:
    return not isinstance(array, jax.Array) or array.is_fully_addressable or array.is_fully_replicated


def _crc(array: jax.Array | np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data)
