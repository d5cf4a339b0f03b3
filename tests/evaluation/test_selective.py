"""The curve is the definition spelt out for each threshold, ties included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.evaluation.selective import curve, threshold_for

samples = st.lists(st.tuples(st.sampled_from((0.0, 0.25, 0.5, 0.9, 0.93, 1.0)), st.booleans()), min_size=1, max_size=30)


@given(samples)
def test_points_follow_their_definitions(pairs):
    confidences, right = (np.array(values) for values in zip(*pairs, strict=True))
    found = curve(confidences, right)
    assert found.thresholds.tolist() == sorted(set(confidences.tolist()), reverse=True)
    for threshold, coverage, accuracy in zip(*found, strict=True):
        assert coverage == np.mean(confidences >= threshold)
        assert accuracy == right[confidences >= threshold].mean()
    errors = [1 - right[confidences >= confidence].mean() for confidence in confidences]
    assert found.area == pytest.approx(np.mean(errors))


@given(samples, st.sampled_from((0.0, 0.5, 2 / 3, 0.9, 1.0)))
def test_the_threshold_accepts_the_most_samples_with_the_wanted_accuracy(pairs, wanted):
    found = curve(*zip(*pairs, strict=True))
    best = threshold_for(found, wanted)
    reached = [
        coverage for coverage, accuracy in zip(found.coverage, found.accuracy, strict=True) if accuracy >= wanted
    ]
    assert (best.coverage if best else 0.0) == max(reached, default=0.0)
    if best:
        accepted = [right for confidence, right in pairs if confidence >= best.threshold]
        assert np.mean(accepted) == best.accuracy >= wanted


def test_a_curve_by_hand():
    found = curve([0.9, 0.5, 0.9, 0.7], [True, True, False, True])
    assert found.thresholds.tolist() == [0.9, 0.7, 0.5]
    assert found.coverage.tolist() == [0.5, 0.75, 1.0]
    assert found.accuracy == pytest.approx([1 / 2, 2 / 3, 3 / 4])
    assert found.area == pytest.approx((1 / 2 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert threshold_for(found, 0.6) == (0.5, 1.0, 0.75), "accuracy may rise again further down"
    assert threshold_for(found, 0.995) is None


def test_a_share_of_whole_numbers_reaches_its_decimal():
    confidences, right = np.linspace(1, 0.5, 1000), np.ones(1000, bool)
    right[::200] = False
    best = threshold_for(curve(confidences, right), 0.995)
    assert best is not None
    assert (best.coverage, best.accuracy) == (1.0, 0.995)


def test_no_samples_have_an_empty_curve():
    found = curve([], [])
    assert [len(values) for values in found] == [0, 0, 0]
    assert found.area == 0
    assert threshold_for(found, 0.0) is None


def test_all_right_and_all_wrong():
    assert threshold_for(curve([0.2, 0.8], [True, True]), 1.0) == (0.2, 1.0, 1.0)
    assert curve([0.2, 0.8], [True, True]).area == 0
    assert curve([0.2, 0.8], [False, False]).area == 1
