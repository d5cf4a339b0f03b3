"""Branches and slots of characters."""

import numpy as np

from recog.alphabet import PRICE as TOKENS
from recog.alphabet import Alphabet
from recog.decoded import Decoded
from recog.explaining.origins import origins_of
from recog.structure import PLATE_FULL, PRICE, WHOLE


def read(alphabet: Alphabet, *texts: str, slots: int = 6) -> Decoded:
    tokens = np.zeros((len(texts), slots), np.int32)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text)] = alphabet.encode(text)
    sure = np.ones(tokens.shape, np.float32)
    lengths = np.array([len(text) for text in texts], np.int32)
    return Decoded(tokens, lengths, sure, np.zeros_like(tokens), sure[:, 0])


def test_prices_come_from_their_parts_and_separators_from_none():
    readings = {
        "integer": read(TOKENS, "79", ""),
        "decimal": read(TOKENS, "9", "", slots=3),
        "no_point": read(TOKENS, "799", "1"),
    }
    found = origins_of(PRICE, TOKENS, readings)
    assert [TOKENS.decode(row[:n]) for row, n in zip(found.tokens, found.lengths, strict=True)] == ["79.9", ""]
    # Sorted: decimal 0, integer 1, no_point 2.
    assert found.branches.tolist() == [[1, 1, -1, 0], [-1] * 4]
    assert found.slots.tolist() == [[0, 1, 0, 0], [0] * 4]


def test_a_part_that_is_cut_from_another_branch_keeps_its_slots():
    alphabet = Alphabet("京A123")
    readings = {"chinese": read(alphabet, "京"), "full": read(alphabet, "京A12")}
    found = origins_of(PLATE_FULL.choose(readings), alphabet, readings)
    assert alphabet.decode(found.tokens[0]) == "京A12"
    assert found.branches.tolist() == [[0, 1, 1, 1]]
    assert found.slots.tolist() == [[0, 1, 2, 3]]


def test_undivided_texts_have_at_least_one_slot():
    found = origins_of(WHOLE, TOKENS, {"text": read(TOKENS, "")})
    assert found.tokens.shape == (1, 1)
    assert found.lengths.tolist() == [0]
    assert found.branches.tolist() == [[-1]]
