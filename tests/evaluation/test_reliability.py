"""Bins are scikit-learn's, and a temperature of whole texts that is known is found."""

import numpy as np
import pytest
from scipy import optimize
from sklearn.calibration import calibration_curve

from recog.evaluation.reliability import fit_confidence_temperature, reliability, tempered
from recog.metrics import ClassCounts
from recog.metrics.reliability import BINS

RANDOM = np.random.default_rng(0)


def test_bins_are_scikit_learns():
    confidences = RANDOM.random(500)
    right = RANDOM.random(500) < confidences
    bins = reliability(confidences, right)
    accuracy, confidence = calibration_curve(right, confidences, n_bins=BINS)
    counts = np.array(bins.counts)
    assert np.array(bins.right) / counts == pytest.approx(accuracy)
    assert np.array(bins.confidence, float) / counts == pytest.approx(confidence)
    assert bins.error == pytest.approx(np.sum(counts * abs(accuracy - confidence)) / 500)


def test_classes_and_texts_share_the_bins():
    probabilities, classes = RANDOM.dirichlet(np.ones(3), 50), RANDOM.integers(0, 3, 50)
    counts = ClassCounts.of(("a", "b", "c"), classes, probabilities)
    assert reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == classes) == counts.reliability


def test_no_samples_have_no_error():
    assert reliability([], []).error == 0


@pytest.mark.parametrize("temperature", [0.01, 0.4, 1.0, 3.0, 100.0])
def test_a_known_temperature_is_found_and_mends_the_calibration(temperature):
    random = np.random.default_rng(0)
    true = random.beta(4, 1, 20_000)
    right, claimed = random.random(20_000) < true, true**temperature
    found = fit_confidence_temperature(claimed, right)
    assert found.value == pytest.approx(temperature, rel=0.04)
    assert found.log_loss_after <= found.log_loss_before + 1e-6
    assert reliability(tempered(claimed, found.value), right).error < 0.015


def test_the_minimum_is_that_of_a_search_over_the_exponent():
    confidences = RANDOM.beta(3, 1, 4000)
    right = RANDOM.random(4000) < confidences**1.7

    def loss(exponent: float) -> float:
        power = confidences**exponent
        return -float(np.mean(np.where(right, np.log(power), np.log(1 - power))))

    exact = optimize.minimize_scalar(loss, bounds=(0.1, 10), method="bounded")
    assert isinstance(exact, optimize.OptimizeResult)
    found = fit_confidence_temperature(confidences, right)
    assert found.value == pytest.approx(1 / exact.x, rel=0.01)
    assert found.log_loss_before == pytest.approx(loss(1.0))
    assert found.log_loss_after == pytest.approx(loss(1 / found.value))


@pytest.mark.parametrize(("right", "expected"), [(True, 101 / 102), (False, 1 / 102)])
def test_texts_that_are_all_right_or_wrong_do_not_ask_for_certainty(right, expected):
    found = fit_confidence_temperature([0.8] * 100, [right] * 100)
    assert tempered(np.array([0.8]), found.value)[0] == pytest.approx(expected, rel=1e-3)


def test_mistakes_of_full_confidence_cost_no_infinity():
    for confidences, right in (([1.0, 1.0, 0.0], [True, False, True]), ([1.0], [False]), ([0.0], [True])):
        assert np.isfinite(fit_confidence_temperature(confidences, right)).all()


def test_order_and_ends_stay():
    confidences = np.array([0.0, 0.3, 0.6, 1.0])
    for temperature in (0.2, 5.0):
        changed = tempered(confidences, temperature)
        assert changed[[0, 3]].tolist() == [0, 1]
        assert (np.diff(changed) > 0).all()


@pytest.mark.parametrize(
    ("confidences", "message"),
    [([0.5, np.nan], "sample 1.*finite"), ([1.5, 0.5], "sample 0"), ([0.5, -0.1], "sample 1")],
)
def test_confidences_that_are_no_probabilities_are_named(confidences, message):
    with pytest.raises(ValueError, match=message):
        reliability(confidences, [True, True])


def test_rounding_above_one_is_certainty():
    assert reliability([1 + 1e-6], [True]) == reliability([1.0], [True])


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="per sample"):
        reliability([0.5, 0.5], [True])
    with pytest.raises(ValueError, match="one or more samples"):
        fit_confidence_temperature([], [])
