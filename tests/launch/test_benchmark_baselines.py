"""Classical classifiers over features."""

import numpy as np
import pytest

from launch.benchmarks.classical import classifiers, score
from recog.metrics.classes import CLIP

NAMES = ("cat", "dog")


def blobs(distance: float, count: int = 60):
    """Two clouds of points in 4 dimensions, whose scales differ by orders of magnitude."""
    random = np.random.default_rng(0)
    classes = np.arange(count) % 2
    values = random.normal(size=(count, 4)) + distance * classes[:, None]
    return (values * [1, 10, 100, 1000]).astype(np.float32), classes


@pytest.mark.parametrize("name", classifiers())
def test_separable_classes_are_told_apart(name):
    values, classes = blobs(distance=6)
    found = score(classifiers()[name], NAMES, values, classes, range(20))
    assert found.accuracy == 1.0
    assert found.log_loss < 0.1
    assert -np.log(1 - CLIP) <= found.log_loss_clipped < 0.1


def test_held_out_samples_are_not_learned():
    values, classes = blobs(distance=0, count=200)
    found = score(classifiers()["nearest neighbours"], NAMES, values, classes, range(100))
    assert 0.3 < found.accuracy < 0.7, "labels are random"


def test_a_confident_mistake_is_clipped_and_a_missing_class_has_no_probability():
    class Sure:
        classes_ = np.array([0])

        def __init__(self, samples):
            assert samples == 2

        def fit(self, values, classes):
            assert len(values) == len(classes)
            return self

        def predict_proba(self, values):
            return np.ones((len(values), 1))

    found = score(Sure, NAMES, np.zeros((4, 1)), np.array([0, 0, 0, 1]), [2, 3])
    assert found.accuracy == 0.5
    assert found.log_loss == pytest.approx(-np.log(1e-15) / 2)
    assert found.log_loss_clipped == pytest.approx(-(np.log(1 - CLIP) + np.log(CLIP)) / 2)
