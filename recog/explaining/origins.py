"""Branch and slot from which each character of a composed text was read."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from recog.alphabet import Alphabet
from recog.composition import compose
from recog.decoded import Decoded
from recog.structure import Structure


class Origins(NamedTuple):
    """Characters of texts; slots at and beyond ``lengths`` hold zeros."""

    tokens: Int[np.ndarray, "B S"]
    lengths: Int[np.ndarray, " B"]
    branches: Int[np.ndarray, "B S"]
    """Number of the branch that read the character, in the order of their sorted names, as JAX orders dictionaries; -1
    for a separator that was inserted, and beyond ``lengths``."""
    slots: Int[np.ndarray, "B S"]
    """Slot of the character in the branch's reading."""


def origins_of(structure: Structure, alphabet: Alphabet, readings: Mapping[str, Decoded]) -> Origins:
    """Composes texts, and says from where their characters are; slots are at least 1 and no more than needed.

    Composition carries confidences along with the characters, and gives separators the confidence 1; so the origins
    travel as confidences of 2 and more.

    Args:
      structure: parts and branches.
      alphabet: alphabet of the texts.
      readings: readings of the branches, as NumPy arrays.
    """
    widest = max(reading.tokens.shape[1] for reading in readings.values())
    marked = {
        name: reading._replace(
            confidences=np.broadcast_to(
                2.0 + number * widest + np.arange(reading.tokens.shape[1]), reading.tokens.shape
            )
        )
        for number, (name, reading) in enumerate(sorted(readings.items()))
    }
    text = compose(structure, alphabet, marked)
    used = max(1, int(text.lengths.max(initial=0)))
    places = np.asarray(text.confidences)[:, :used].astype(np.int64) - 2
    read = (places >= 0) & (np.arange(used) < np.asarray(text.lengths)[:, None])
    return Origins(
        np.asarray(text.tokens)[:, :used],
        np.asarray(text.lengths),
        np.where(read, places // widest, -1).astype(np.int32),
        np.where(read, places % widest, 0).astype(np.int32),
    )
