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


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="one column per class"):
        ClassCounts.of(NAMES, CLASSES, PROBABILITIES[:, :2])
    with pytest.raises(ValueError, match="cannot be added"):
        _ = counts() + ClassCounts.of(("a", "b", "c"), CLASSES, PROBABILITIES)


def test_checkpoints_are_ranked_by_a_rate_of_the_report():
    assert ClassCounts.ranks_by in counts().report()
