"""The sum of many batches' counts."""

from functools import reduce
from operator import add

import pytest

from recog.metrics import ReadingCounts, RunningTotal


class Copied(tuple):
    """Counts that grow with the batches, and count how many parts are copied."""

    copied = 0

    def __add__(self, other):
        Copied.copied += len(self) + len(other)
        return Copied((*self, *other))


@pytest.mark.parametrize("batches", [1, 2, 3, 7, 64, 100])
def test_a_running_total_is_the_sum_in_the_order_of_the_batches(batches):
    total, texts = RunningTotal(), RunningTotal()
    counts = [ReadingCounts.of(["12"] * size, ["13"] * size) for size in range(batches)]
    for index, one in enumerate(counts):
        total.add(one)
        texts.add(Copied([index]))
    assert total.total == reduce(add, counts)
    assert texts.total == tuple(range(batches))


def test_growing_counts_are_copied_as_often_as_their_number_doubles():
    total, Copied.copied = RunningTotal(), 0
    for _ in range(1024):
        total.add(Copied([0]))
    assert len(total.total) == 1024
    assert Copied.copied == 1024 * 10


def test_there_is_no_total_of_nothing():
    assert RunningTotal().total is None
