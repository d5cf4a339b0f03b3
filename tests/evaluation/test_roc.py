"""Curves and areas are scikit-learn's, ties included."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from recog.evaluation.roc import one_vs_rest, roc

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("digits", [1, 8])
def test_a_curve_is_scikit_learns(digits):
    positive = RANDOM.random(200) < 0.3
    scores = np.round(RANDOM.normal(positive, 1.0), digits)
    found = roc(scores, positive)
    assert found is not None
    false, true, thresholds = roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(found.false_positive_rate, false, rtol=1e-12)
    np.testing.assert_allclose(found.true_positive_rate, true, rtol=1e-12)
    np.testing.assert_array_equal(found.thresholds[1:], thresholds[1:])
    assert found.thresholds[0] > scores.max()
    assert found.area == pytest.approx(roc_auc_score(positive, scores))


def test_areas_of_classes_are_scikit_learns():
    probabilities, classes = RANDOM.dirichlet(np.ones(3), 90), RANDOM.integers(0, 3, 90)
    curves = one_vs_rest(classes, probabilities)
    expected = [roc_auc_score(classes == place, probabilities[:, place]) for place in range(3)]
    assert [found.area for found in curves if found] == pytest.approx(expected)


def test_areas_by_hand():
    for scores, area in (([0.1, 0.2, 0.8, 0.9], 1.0), ([0.9, 0.8, 0.2, 0.1], 0.0), ([0.5] * 4, 0.5)):
        found = roc(np.array(scores), np.array([False, False, True, True]))
        assert found is not None
        assert found.area == area
    tied = roc(np.array([-np.inf, -np.inf, 0.0, np.inf]), np.array([True, False, False, True]))
    assert tied is not None
    assert tied.area == 0.625, "two pairs in order, one tied, one the wrong way round"


def test_classes_without_samples_or_others_have_no_curve():
    assert one_vs_rest(np.zeros(4, int), np.full((4, 2), 0.5)) == [None, None]
    assert one_vs_rest(np.zeros(0, int), np.zeros((0, 2))) == [None, None]


def test_scores_that_cannot_be_ranked_are_refused():
    with pytest.raises(ValueError, match="sample 1 is NaN"):
        roc(np.array([0.5, np.nan]), np.array([True, False]))
    with pytest.raises(ValueError, match="per sample"):
        roc(np.zeros(3), np.zeros(2, bool))
