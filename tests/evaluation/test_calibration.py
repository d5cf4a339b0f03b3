"""Temperatures: known ones are found, none is absurd, and figures can be drawn of any counts."""

import cv2
import numpy as np
import pytest
from scipy import optimize, special

from recog.evaluation.calibration import COLDEST, HOTTEST, fit_temperature, log_probabilities
from recog.evaluation.class_figures import write_calibration, write_confusion
from recog.metrics import ClassCounts

RANDOM = np.random.default_rng(0)


def drawn(logits: np.ndarray, *, sigmoid: bool = False) -> np.ndarray:
    """Classes drawn from the probabilities of the logits, for which temperature 1 is right."""
    probabilities = np.exp(log_probabilities(logits, sigmoid))
    return (probabilities.cumsum(axis=1) < RANDOM.uniform(size=(len(logits), 1))).sum(axis=1)


@pytest.mark.parametrize("sigmoid", [False, True])
@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_found_and_lowers_the_log_loss(temperature, sigmoid):
    logits = RANDOM.normal(0, 2, (20_000, 3))
    classes = drawn(logits, sigmoid=sigmoid)
    found = fit_temperature(temperature * logits, classes, sigmoid=sigmoid)
    assert found.value == pytest.approx(temperature, rel=0.08 if sigmoid else 0.04)
    assert found.log_loss_after <= found.log_loss_before + 1e-6
    own = log_probabilities(temperature * logits, sigmoid)[np.arange(len(classes)), classes]
    assert found.log_loss_before == pytest.approx(-own.mean())


def test_the_minimum_is_that_of_a_search_without_the_further_sample():
    logits = RANDOM.normal(0, 4, (5000, 2))
    classes = drawn(logits / 2.5)

    def loss(inverse: float) -> float:
        return -special.log_softmax(inverse * logits, axis=1)[np.arange(5000), classes].mean()

    exact = optimize.minimize_scalar(loss, bounds=(0.01, 10), method="bounded")
    assert isinstance(exact, optimize.OptimizeResult)
    assert fit_temperature(logits, classes).value == pytest.approx(1 / exact.x, rel=0.01)


def test_samples_that_are_all_right_do_not_ask_for_certainty():
    margins = np.array([[2.0, -2.0]] * 100)
    found = fit_temperature(margins, np.zeros(100, int))
    confidence = special.softmax(margins[0] / found.value)[0]
    assert confidence == pytest.approx(101 / 102, rel=1e-3), "the share of Platt's targets"


def test_the_temperature_stays_in_its_range():
    logits = np.array([[50.0, -50.0]] * 10)
    for classes in (np.zeros(10, int), np.ones(10, int)):
        assert COLDEST <= fit_temperature(logits, classes).value <= HOTTEST + 1e-9
    with pytest.raises(ValueError, match="finite logits"):
        fit_temperature(np.array([[np.nan, 0.0]]), np.zeros(1, int))
    with pytest.raises(ValueError, match="one or more samples"):
        fit_temperature(np.zeros((0, 2)), np.zeros(0, int))


def test_probabilities_sum_to_one_even_where_all_sigmoids_underflow():
    logits = np.array([[-2000.0, -2001.0], [3.0, 1.0]])
    np.testing.assert_allclose(np.exp(log_probabilities(logits, True)).sum(axis=1), 1)


@pytest.mark.parametrize("classes", [2, 3, 50])
def test_confusions_are_written_by_true_and_predicted_class(tmp_path, classes):
    names = tuple(f"class {index}" for index in range(classes))
    true, probabilities = RANDOM.integers(0, classes, 200), RANDOM.dirichlet(np.ones(classes), 200)
    counts = ClassCounts.of(names, true, probabilities)
    write_confusion(tmp_path, counts)
    head, *rows = [line.split("\t") for line in (tmp_path / "confusion.tsv").read_text().splitlines()]
    assert head[1:] == [row[0] for row in rows] == list(names)
    expected = np.zeros((classes, classes), int)
    for one, other in zip(true, probabilities.argmax(axis=1), strict=True):
        expected[one, other] += 1
    assert [[int(value) for value in row[1:]] for row in rows] == expected.tolist()
    assert (tmp_path / "confusion.png").exists() == (classes <= 40)
    write_calibration(tmp_path / "calibration.png", counts)
    assert cv2.imread(str(tmp_path / "calibration.png")) is not None
