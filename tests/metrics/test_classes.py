"""Counts of classes against scikit-like definitions spelt out, exact and mergeable in any order."""

import itertools
import math

import numpy as np
import pytest

from recog.metrics import ClassCounts

NAMES = ("cat", "dog", "fox")
RANDOM = np.random.default_rng(0)
CLASSES = RANDOM.integers(0, 3, 60)
PROBABILITIES = RANDOM.dirichlet(np.ones(3), 60).astype(np.float32)


def counts(rows=slice(None)) -> ClassCounts:
    return ClassCounts.of(NAMES, CLASSES[rows], PROBABILITIES[rows])


def test_rates_follow_their_definitions():
    predicted, report = PROBABILITIES.argmax(axis=1), counts().report()
    assert report["count"] == 60
    assert report["accuracy"] == np.mean(predicted == CLASSES)
    expected = -np.mean([math.log(float(row[c])) for row, c in zip(PROBABILITIES, CLASSES, strict=True)])
    assert report["log_loss"] == pytest.approx(expected, rel=1e-12)
    f1 = []
    for place, name in enumerate(NAMES):
        true = np.sum((predicted == place) & (place == CLASSES))
        precision, recall = true / np.sum(predicted == place), true / np.sum(place == CLASSES)
        f1.append(2 * precision * recall / (precision + recall))
        assert report[f"precision/{name}"] == pytest.approx(precision)
        assert report[f"recall/{name}"] == pytest.approx(recall)
        assert report[f"f1/{name}"] == pytest.approx(f1[-1])
    assert report["macro_f1"] == pytest.approx(np.mean(f1))
    assert counts().confusion[1, 2] == np.sum((CLASSES == 1) & (predicted == 2))


def test_keys_of_the_report_begin_with_the_measures_of_a_competition():
    assert list(counts().report())[:6] == ["count", "accuracy", "log_loss", "log_loss_clipped", "ece", "macro_f1"]


def test_the_clipped_log_loss_is_that_of_clipped_probabilities():
    """scikit-learn's ``log_loss`` for two classes, written out, after clipping the probability of the second."""
    true, second = np.array([0, 1, 1, 0, 1]), np.array([0.0, 1.0, 0.001, 0.3, 0.998])
    found = ClassCounts.of(("cat", "dog"), true, np.stack([1 - second, second], axis=1))
    clipped = np.clip(second, 0.005, 0.995)
    expected = -np.mean(true * np.log(clipped) + (1 - true) * np.log(1 - clipped))
    assert found.log_loss_clipped == pytest.approx(expected, rel=1e-12)
    assert found.log_loss_clipped < found.log_loss


def test_the_calibration_error_is_the_weighted_distance_of_accuracy_and_confidence_by_bins():
    confidence, right = PROBABILITIES.astype(np.float64).max(axis=1), PROBABILITIES.argmax(axis=1) == CLASSES
    expected = 0.0
    for place in range(15):
        inside = (confidence > place / 15) & (confidence <= (place + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert counts().report()["ece"] == pytest.approx(expected, rel=1e-12)


def test_calibration_of_hand_made_cases():
    certain = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    right = ClassCounts.of(("a", "b"), np.array([0, 0, 1, 1]), certain)
    assert right.report()["ece"] == 0
    half = ClassCounts.of(("a", "b"), np.array([0, 1, 1, 0]), certain)
    assert half.report()["ece"] == 0.5
    level = ClassCounts.of(("a", "b"), np.array([0, 1]), np.full((2, 2), 0.5))
    assert level.report()["ece"] == 0
    assert level.reliability.counts[7] == 2, "0.5 is in the eighth of 15 bins"


def test_merging_is_exact_in_any_order():
    parts = [counts(slice(start, start + 20)) for start in (0, 20, 40)]
    for one, two, three in itertools.permutations(parts):
        assert (one + two + three).report() == counts().report()
        assert (one + (two + three)).report() == counts().report()


def test_a_wrong_class_that_is_certain_costs_no_infinity():
    found = ClassCounts.of(NAMES, np.array([0]), np.array([[0.0, 1.0, 0.0]]))
    assert found.log_loss == pytest.approx(-math.log(1e-15))


def test_no_samples_have_rates_of_zero():
    empty = ClassCounts.of(NAMES, np.zeros(0, int), np.zeros((0, 3)))
    assert set(empty.report().values()) == {0}
    assert (empty + counts()).report() == counts().report()


def test_a_probability_that_is_not_a_number_counts_as_zero():
    known, unknown = np.array([[0.0, 1.0]]), np.array([[np.nan, np.nan]])
    found = ClassCounts.of(("a", "b"), np.array([0]), unknown)
    assert found.log_loss == ClassCounts.of(("a", "b"), np.array([0]), known).log_loss


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="one column per class"):
        ClassCounts.of(NAMES, CLASSES, PROBABILITIES[:, :2])
    with pytest.raises(ValueError, match="cannot be added"):
        _ = counts() + ClassCounts.of(("a", "b", "c"), CLASSES, PROBABILITIES)


def test_checkpoints_are_ranked_by_a_rate_of_the_report():
    assert {ClassCounts.ranks_by, ClassCounts.ties_by} <= set(counts().report())
