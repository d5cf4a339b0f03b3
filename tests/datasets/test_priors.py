"""Priors against all partitions of a few boxes, and properties of their overlaps."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from datasets.priors import find_priors, overlaps

SIZES = arrays.arrays(
    float, st.tuples(st.integers(4, 12), st.just(2)), elements=st.floats(1, 300, width=32), unique=True
)


def mean_overlap(sizes: np.ndarray, priors: np.ndarray) -> float:
    """Mean best overlap, box by box."""

    def overlap(one: np.ndarray, other: np.ndarray) -> float:
        shared = min(one[0], other[0]) * min(one[1], other[1])
        return shared / (one[0] * one[1] + other[0] * other[1] - shared)

    return float(np.mean([max(overlap(size, prior) for prior in priors) for size in sizes]))


@pytest.mark.parametrize("seed", range(6))
def test_few_boxes_get_the_priors_of_the_best_partition(seed):
    sizes = np.exp(np.random.default_rng(seed).normal(3, 0.7, (7, 2)))
    best = 0.0
    for groups in itertools.product(range(3), repeat=len(sizes)):
        members = [sizes[np.array(groups) == group] for group in range(3)]
        if all(map(len, members)):
            best = max(best, mean_overlap(sizes, np.stack([np.median(own, axis=0) for own in members])))
    assert find_priors(sizes, 3)[-1].mean_overlap >= best - 1e-9


@settings(max_examples=20)
@given(SIZES)
def test_more_priors_never_fit_worse_and_one_for_each_box_fits_perfectly(sizes):
    sizes = sizes.round(2)
    count = len(np.unique(sizes, axis=0))
    found = find_priors(sizes, count)
    rising = [one.mean_overlap for one in found]
    assert rising == sorted(rising)
    assert rising[-1] == pytest.approx(1)
    for number, one in enumerate(found, 1):
        assert one.sizes.shape == (number, 2)
        assert (np.diff(one.sizes.prod(axis=1)) >= 0).all()
        assert one.mean_overlap == pytest.approx(mean_overlap(sizes, one.sizes))
    again = find_priors(sizes, count)
    assert [one.sizes.tolist() for one in again] == [one.sizes.tolist() for one in found]


@given(SIZES, SIZES)
def test_overlaps_are_those_of_rectangles_with_a_common_corner(sizes, priors):
    found = overlaps(sizes, priors)
    assert found.shape == (len(sizes), len(priors))
    assert found.max(axis=1).mean() == pytest.approx(mean_overlap(sizes, priors))


@pytest.mark.parametrize("sizes", [[[0, 3]], [[np.nan, 3]], [[-1, 3]]])
def test_boxes_without_area_are_refused(sizes):
    with pytest.raises(ValueError, match="no area"):
        find_priors(np.array(sizes, float), 1)


def test_more_priors_than_sizes_are_refused():
    with pytest.raises(ValueError, match="3 priors for boxes of 2 different sizes: choose a number from 1 to 2"):
        find_priors(np.array([[1, 2], [3, 4], [1 + 1e-9, 2]], float), 3)
