"""Reliability of confidences of any kind of prediction, and the temperature that makes those of whole texts right."""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike
from scipy import special

from recog.evaluation.calibration import Temperature, least
from recog.metrics.reliability import Reliability

COLDEST, HOTTEST = 1e-4, 1e4
"""Range of the temperature of whole texts, wide enough to bring confidences of 0.9999 to an accuracy of 0.4."""
SMALLEST, LARGEST = float(np.finfo(np.float32).tiny), 1 - float(np.finfo(np.float32).epsneg)
"""Confidences are clipped to these for the fit, the ends of what float32 tells from 0 and 1."""
ROUNDING = 1e-3
"""Confidences above 1 by less than this are rounding of logarithms, and count as 1."""


def reliability(confidences: ArrayLike, right: ArrayLike) -> Reliability:
    """Sorts predictions into bins by confidence; ``error`` of the result is the expected calibration error.

    Args:
      confidences: probability of each prediction, 0 to 1.
      right: whether each prediction is right.

    Raises:
      ValueError: see `checked`.
    """
    return Reliability.of(*checked(confidences, right))


def fit_confidence_temperature(confidences: ArrayLike, right: ArrayLike) -> Temperature:
    """Finds the temperature ``T`` whose confidences ``confidence ** (1 / T)`` have the least log loss, in float64.

    A text's confidence is a product of probabilities, so a power of it scales the log probability of all of them; order
    and the confidences 0 and 1 stay. The targets are those of Platt 1999 (section 2.2): ``(R + 1) / (R + 2)`` for the
    ``R`` texts that were read right and ``1 / (W + 2)`` for the ``W`` others, so that texts which are all right do not
    ask for certainty.

    Args:
      confidences: predicted with temperature 1.
      right: whether each text was read right.

    Raises:
      ValueError: there are no samples, or see `checked`.
    """
    confidences, right = checked(confidences, right)
    if not len(right):
        raise ValueError("a temperature is fitted to one or more samples: pass those of a validation set")
    correct = int(right.sum())
    targets = np.where(right, (correct + 1) / (correct + 2), 1 / (len(right) - correct + 2))

    def loss(temperature: float, targets: Float[np.ndarray, " N"] = targets) -> float:
        return _log_loss(tempered(np.clip(confidences, SMALLEST, LARGEST), temperature), targets)

    value = least(loss, COLDEST, HOTTEST)
    return Temperature(value, loss(1.0, right), loss(value, right))


def tempered(confidences: Float[np.ndarray, " N"], temperature: float) -> Float[np.ndarray, " N"]:
    """Confidences of whole texts at a temperature: higher ones for temperatures above 1."""
    return confidences ** (1 / temperature)


def checked(confidences: ArrayLike, right: ArrayLike) -> tuple[Float[np.ndarray, " N"], Bool[np.ndarray, " N"]]:
    """Returns confidences, 0 to 1, and results as arrays.

    Raises:
      ValueError: a confidence is not a number from 0 to 1, or the numbers of samples differ.
    """
    probabilities, results = np.asarray(confidences, np.float64), np.asarray(right, bool)
    if probabilities.ndim != 1 or probabilities.shape != results.shape:
        raise ValueError(
            f"confidences of shape {probabilities.shape} for results of shape {results.shape}: "
            "pass one of each per sample"
        )
    bad = np.flatnonzero(~((probabilities >= 0) & (probabilities <= 1 + ROUNDING)))
    if len(bad):
        raise ValueError(
            f"sample {bad[0]} has the confidence {probabilities[bad[0]]}: pass probabilities from 0 to 1; NaN comes "
            "from logits that are not finite: check the model's training"
        )
    return np.minimum(probabilities, 1.0), results


def _log_loss(probabilities: Float[np.ndarray, " N"], targets: np.ndarray) -> float:
    return -float(np.mean(special.xlogy(targets, probabilities) + special.xlog1py(1.0 - targets, -probabilities)))
