"""Packed texts are those of a list, in less memory."""

import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.packed import PER_BLOCK, Packed


@given(st.integers(0, 3 * PER_BLOCK), st.integers(0, 99))
def test_texts_come_back_in_any_order_also_in_another_process(count, seed):
    draw = random.Random(seed)
    texts = [draw.randbytes(draw.randrange(5)) for _ in range(count)]
    packed = Packed(texts)
    assert list(packed) == texts
    copy = pickle.loads(pickle.dumps(packed))
    copy.append(b"more")
    places = draw.sample(range(count), count)
    assert [copy[place] for place in places] == [texts[place] for place in places]
    assert copy[count] == b"more"
    assert len(packed) == count


def test_a_text_beyond_the_end_is_refused():
    for index in (-1, 1):
        with pytest.raises(IndexError, match=f"text {index} of 1"):
            Packed([b"a"])[index]


def test_lines_of_a_label_file_take_less_memory_than_the_file():
    lines = [b"images/%04d/%08d.jpg\t%07d" % (i // 100, i, i * 2654435761 % 10**7) for i in range(20_000)]
    packed = Packed(lines)
    assert list(packed) == lines, "which must not leave unpacked lines in copies"
    assert len(pickle.dumps(packed)) < sum(map(len, lines)) / 2
