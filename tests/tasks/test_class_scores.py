"""Losses and probabilities of class scores against their definitions in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from recog.tasks.class_scores import SIGMOID, SOFTMAX, ClassScores

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 3, (6, 4)).astype(np.float32)
CLASSES = np.array([0, 1, 2, 3, 0, 2])
ONE_HOT = np.eye(4)[CLASSES]


def soft(smoothing: float) -> np.ndarray:
    return (1 - smoothing) * ONE_HOT + smoothing / 4


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [(), (1.0, 0.5, 2.0, 3.0)])
def test_losses_are_those_of_smoothed_and_weighted_targets(smoothing, weights):
    logits, targets, factors = LOGITS.astype(np.float64), soft(smoothing), np.array(weights or (1,) * 4)[CLASSES]
    softmax = -np.sum(targets * special.log_softmax(logits, axis=1), axis=1)
    sigmoid = -np.sum(targets * special.log_expit(logits) + (1 - targets) * special.log_expit(-logits), axis=1)
    for kind, expected in ((SOFTMAX, softmax), (SIGMOID, sigmoid)):
        scores = ClassScores(kind, smoothing, weights)
        np.testing.assert_allclose(jax.jit(scores.losses)(LOGITS, CLASSES), factors * expected, rtol=1e-5)


def test_smoothing_may_be_an_argument_of_a_compiled_program():
    losses = jax.jit(lambda share: ClassScores(SOFTMAX, share).losses(jnp.asarray(LOGITS), jnp.asarray(CLASSES)))
    for share in (0.0, 0.2):
        expected = -np.sum(soft(share) * special.log_softmax(LOGITS, axis=1), axis=1)
        np.testing.assert_allclose(losses(share), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", [SOFTMAX, SIGMOID])
def test_the_logits_of_several_views_have_the_mean_of_their_probabilities(kind):
    views, scores = RANDOM.normal(0, 5, (3, 6, 4)).astype(np.float32), ClassScores(kind)
    both = jax.jit(lambda logits: (scores.averaged(logits), scores.probabilities(scores.averaged(logits))))
    mean = np.mean(special.softmax(views, axis=2) if kind == SOFTMAX else special.expit(views), axis=0)
    np.testing.assert_allclose(both(views)[1], mean, rtol=1e-5)
    certain = np.full((3, 6, 4), -200, np.float32) * np.array([0, 1, 1, 1], np.float32)
    assert np.isfinite(both(certain)[0]).all(), "no probability underflows to a logarithm of zero"


def test_sigmoids_are_counted_as_shares_of_their_sum():
    sigmoids = np.array([[0.9, 0.3], [0.1, 0.1], [0.0, 0.0]], np.float32)
    np.testing.assert_allclose(ClassScores(SIGMOID).distribution(sigmoids), [[0.75, 0.25], [0.5, 0.5], [0.5, 0.5]])
    assert ClassScores(SOFTMAX).distribution(sigmoids) is sigmoids
