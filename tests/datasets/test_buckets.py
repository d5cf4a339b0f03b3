"""Buckets pad as little as any choice of as many widths can."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.buckets import STEP, assign_buckets, choose_buckets
from datasets.pipeline import DataConfig


def columns(widths: list[int], buckets: tuple[int, ...]) -> int:
    """Columns of all padded pictures."""
    return sum(min(bucket for bucket in buckets if bucket >= width) for width in widths)


@given(widths=st.lists(st.integers(1, 90), min_size=1, max_size=30), count=st.integers(1, 5))
def test_chosen_buckets_are_the_best_of_all_choices(widths, count):
    buckets = choose_buckets(np.array(widths), count)
    assert list(buckets) == sorted(set(buckets))
    assert 1 <= len(buckets) <= count
    assert all(isinstance(bucket, int) and bucket % STEP == 0 for bucket in buckets)
    multiples = range(STEP, -(-max(widths) // STEP) * STEP + 1, STEP)
    choices = (choice for n in range(1, count + 1) for choice in itertools.combinations(multiples, n))
    assert columns(widths, buckets) == min(columns(widths, c) for c in choices if c[-1] >= max(widths))


def test_pictures_of_one_width_need_one_bucket():
    assert choose_buckets(np.array([100, 98, 97])) == (104,)
    assert choose_buckets(np.full(1_000_000, 96)) == (96,)


def test_no_bucket_is_spent_on_nothing():
    assert choose_buckets(np.array([8, 16]), count=4) == (8, 16)


@given(widths=st.lists(st.integers(1, 200), min_size=1), more=st.sets(st.integers(1, 300), max_size=5))
def test_each_picture_goes_into_the_narrowest_bucket_that_holds_it(widths, more):
    buckets = tuple(sorted({max(widths), *more}))
    chosen = assign_buckets(np.array(widths), buckets)
    assert [buckets[i] for i in chosen] == [min(b for b in buckets if b >= width) for width in widths]


def test_a_picture_wider_than_every_bucket_is_refused():
    with pytest.raises(ValueError, match=r"65 pixels wide.*bucket is 64"):
        assign_buckets(np.array([10, 65]), (32, 64))


@pytest.mark.parametrize("buckets", [(64, 32), (32, 32), (0, 32), (-8,)])
def test_buckets_must_be_positive_and_increasing(buckets):
    with pytest.raises(ValueError, match="give increasing widths"):
        DataConfig(buckets=buckets).check()
