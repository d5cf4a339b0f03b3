"""Characters of readings with their confidences."""

from typing import NamedTuple

from recog.codecs import Prediction, TextCodec


class Character(NamedTuple):
    """One token of a text, usually one character."""

    char: str
    confidence: float
    """Probability of the token, 0 to 1, as defined by the decoder (`recog.decoded.Decoded`)."""


def characters_of(codec: TextCodec, found: Prediction) -> list[list[Character]]:
    """Tokens of each text of a batch, in the order of the picture, from left to right."""
    rows = zip(found["tokens"], found["lengths"], found["confidences"], strict=True)
    return [
        [Character(codec.alphabet.decode([token]), float(sure)) for token, sure in zip(tokens, sures, strict=True)]
        for tokens, sures in ((tokens[:length], sures[:length]) for tokens, length, sures in rows)
    ]
