"""Intervals and tests against scipy's own, against published values, and at the edges."""

import math

import numpy as np
import pytest
from scipy import stats

from recog.evaluation.statistics import compare, holm, mean


def test_interval_is_students():
    values = np.random.default_rng(0).normal(0.9, 0.02, 5)
    low, high = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    found = mean(values.tolist())
    assert (found.value - found.half_width, found.value + found.half_width) == pytest.approx((low, high))


def test_interval_of_a_textbook():
    """Student's sleep data (1908): extra hours with the second drug, of ten patients."""
    found = mean([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    assert found.value == pytest.approx(2.33)
    assert found.half_width == pytest.approx(1.4322, abs=1e-3)


def test_comparison_of_a_textbook():
    """The same patients with both drugs: p = 0.00283 (R's documentation of ``sleep``)."""
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = compare(first, second)
    assert found.p == pytest.approx(0.002833, abs=1e-6)
    assert found.difference.value == pytest.approx(-1.58)
    assert found.p == pytest.approx(stats.ttest_rel(first, second).pvalue)


def test_one_value_tells_no_spread():
    assert mean([0.5]).value == 0.5
    assert math.isnan(mean([0.5]).half_width)
    assert math.isnan(compare([0.5], [0.4]).p)


def test_what_does_not_vary():
    assert mean([0.5, 0.5, 0.5]) == (0.5, 0.0)
    assert compare([0.5, 0.6], [0.5, 0.6]).p == 1.0
    assert math.isnan(compare([0.7, 0.4], [0.6, 0.3]).p), "one picture more in every run is no proof"


@pytest.mark.parametrize(("first", "second"), [([0.1], [0.1, 0.2]), ([0.1, 0.2], [0.1])])
def test_what_cannot_be_paired(first, second):
    with pytest.raises(ValueError, match="cannot be paired"):
        compare(first, second)


def test_no_value():
    with pytest.raises(ValueError, match="no values"):
        mean([])


def test_holm_adjusts_as_published():
    """Holm's step-down: sorted p times the number of hypotheses left, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
    adjusted = holm([math.nan, 0.02])
    assert math.isnan(adjusted[0])
    assert adjusted[1] == 0.02
