"""From token ids to text, on the host: all that evaluation and serving need of a decoded batch."""

from typing import NamedTuple

import numpy as np

from recog.alphabet import Alphabet
from recog.ctc.decode import BestPath


class Reading(NamedTuple):
    """A text with the confidence (0 to 1) that it is right."""

    text: str
    confidence: float


def texts(alphabet: Alphabet, read: BestPath) -> list[Reading]:
    """What a batch reads as. The confidence is `BestPath.confidence`, computed on the host."""
    tokens, lengths = np.asarray(read.tokens), np.asarray(read.lengths)
    confidences, nothing = np.asarray(read.confidences), np.asarray(read.nothing)
    return [
        Reading(alphabet.decode(row[:length].tolist()), float(np.prod(confidence[:length]) if length else empty))
        for row, length, confidence, empty in zip(tokens, lengths, confidences, nothing, strict=True)
    ]
