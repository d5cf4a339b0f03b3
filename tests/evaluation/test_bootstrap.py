"""Intervals are SciPy's up to their own noise, cover the truth as often as they say, and are exact at the edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recog.evaluation import bootstrap
from recog.evaluation.bootstrap import interval

RANDOM = np.random.default_rng(0)
EDITS, TOKENS = RANDOM.poisson(0.3, 300), RANDOM.integers(5, 9, 300)


def test_the_interval_of_a_ratio_is_scipys():
    def rate(edits, tokens, axis):
        return edits.sum(axis) / tokens.sum(axis)

    expected = stats.bootstrap(
        (EDITS, TOKENS), rate, paired=True, method="percentile", n_resamples=5000, rng=np.random.default_rng(1)
    ).confidence_interval
    found = interval(EDITS, TOKENS, resamples=5000)
    assert found.value == EDITS.sum() / TOKENS.sum()
    assert found[1:] == pytest.approx(tuple(expected), abs=0.05 * (expected.high - expected.low))


def test_the_interval_of_an_accuracy_has_binomial_quantiles():
    found = interval([1] * 180 + [0] * 20, [1] * 200, resamples=20_000, level=0.9)
    assert found[1:] == pytest.approx(stats.binom.ppf([0.05, 0.95], 200, 0.9) / 200, abs=0.0051)


def test_intervals_cover_the_truth_as_often_as_they_say():
    random = np.random.default_rng(3)
    found = [interval(random.random(200) < 0.8, np.ones(200), resamples=500) for _ in range(300)]
    assert 0.91 <= np.mean([low <= 0.8 <= high for _, low, high in found]) <= 0.98


def test_whole_groups_are_resampled():
    groups = [f"video {place // 3}" for place in range(300)]
    sums = [values.reshape(-1, 3).sum(axis=1) for values in (EDITS, TOKENS)]
    assert interval(EDITS, TOKENS, groups=groups) == interval(*sums)
    assert interval(EDITS, TOKENS, groups=range(300)) == interval(EDITS, TOKENS)
    copies = interval(np.repeat(EDITS, 4), np.repeat(TOKENS, 4), groups=np.repeat(np.arange(300), 4).tolist())
    assert copies == pytest.approx(interval(EDITS, TOKENS)), "copies of a sample tell nothing new"


@given(st.permutations(range(12)))
@settings(max_examples=20)
def test_the_order_of_samples_does_not_matter(order):
    found = interval(EDITS[:12][order], TOKENS[:12][order], resamples=50)
    assert found == interval(EDITS[:12], TOKENS[:12], resamples=50)


def test_seeds_repeat_and_differ():
    assert interval(EDITS, TOKENS, seed=1) == interval(EDITS, TOKENS, seed=1)
    assert interval(EDITS, TOKENS, seed=1) != interval(EDITS, TOKENS, seed=2)


def test_resamples_drawn_in_parts_are_those_drawn_at_once(monkeypatch):
    values = RANDOM.random(50)
    at_once = interval(values, np.ones(50), resamples=100)
    monkeypatch.setattr(bootstrap, "NUMBERS_AT_ONCE", 50 * 7)
    assert interval(values, np.ones(50), resamples=100) == pytest.approx(at_once, rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8), st.integers(0, 3))
def test_intervals_are_finite_and_in_order(samples, seed):
    value, low, high = interval(*zip(*samples, strict=True), seed=seed, resamples=20)
    assert np.isfinite([value, low, high]).all()
    assert 0 <= low <= high


@pytest.mark.parametrize("right", [[1], [0], [1] * 30, [0] * 30, [0.1] * 30])
def test_results_without_spread_have_the_value_at_both_ends(right):
    assert interval(right, np.ones(len(right))) == (right[0],) * 3


def test_a_single_group_has_no_spread():
    assert interval([0, 1, 1, 1], np.ones(4), groups=["a"] * 4) == (0.75, 0.75, 0.75)


def test_sums_of_labels_without_tokens_divide_by_one():
    assert interval([2, 2], [0, 0]) == (4, 4, 4)


@pytest.mark.parametrize(
    ("numerators", "denominators", "message"),
    [
        ([], [], "no samples"),
        ([1, 2], [1], "per sample"),
        ([1, np.nan], [1, 1], "sample 1"),
        ([1, 1], [1, np.inf], "sample 1"),
        ([1], [-1], "not negative"),
    ],
)
def test_numbers_that_are_no_ratios_are_refused(numerators, denominators, message):
    with pytest.raises(ValueError, match=message):
        interval(numerators, denominators)


def test_each_sample_has_a_group():
    with pytest.raises(ValueError, match="1 groups for 2 samples"):
        interval([1, 0], [1, 1], groups=["a"])
