"""Temperature of class scores: a divisor of all logits that makes confidences right (Guo et al. 2017, section 4.2)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import optimize, special

COLDEST, HOTTEST = 0.05, 20.0
"""Range of the temperature."""
GRID = 60
"""Number of logarithmic steps in which the range is searched before the best place is refined."""


class Temperature(NamedTuple):
    """A fitted temperature, with the log losses that it was chosen by."""

    value: float
    log_loss_before: float
    """Mean negative log probability of the outcomes (true classes; readings right or wrong), in nats, with
    temperature 1."""
    log_loss_after: float
    """The same with the fitted temperature."""


def fit_temperature(
    logits: Float[np.ndarray, "N K"], classes: Int[np.ndarray, " N"], *, sigmoid: bool = False
) -> Temperature:
    """Finds the temperature with the least log loss, in float64.

    The targets are those of Platt 1999 (section 2.2), one sample of another class more than there are, so that samples
    which are all classified right do not ask for a temperature of zero: each true class counts ``(N + 1) / (N + 2)``,
    the others share the rest.

    Args:
      logits: predicted with temperature 1.
      classes: index of each sample's true class.
      sigmoid: whether probabilities are sigmoids divided by their sum; otherwise they are a softmax.

    Raises:
      ValueError: there are no samples, or a logit is not finite.
    """
    logits = np.asarray(logits, np.float64)
    if not len(logits) or not np.isfinite(logits).all():
        raise ValueError("a temperature is fitted to one or more samples with finite logits: check the model and data")
    count, width = logits.shape
    targets = np.full((count, width), 1 / (count + 2) / (width - 1))
    targets[np.arange(count), classes] = (count + 1) / (count + 2)

    def loss(temperature: float) -> float:
        return -float(np.mean(np.sum(targets * log_probabilities(logits / temperature, sigmoid), axis=1)))

    value = least(loss, COLDEST, HOTTEST)
    before, after = (
        -float(np.mean(log_probabilities(logits / divisor, sigmoid)[np.arange(count), classes]))
        for divisor in (1.0, value)
    )
    return Temperature(value, before, after)


def least(loss: Callable[[float], float], coldest: float, hottest: float) -> float:
    """Temperature between two others with the least loss, which is a function of the temperature."""

    def of_logarithm(logarithm: float) -> float:
        return loss(float(np.exp(logarithm)))

    grid = np.linspace(np.log(coldest), np.log(hottest), GRID + 1)
    best = int(np.argmin([of_logarithm(place) for place in grid]))
    bounds = grid[max(best - 1, 0)], grid[min(best + 1, GRID)]
    found = optimize.minimize_scalar(of_logarithm, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    assert isinstance(found, optimize.OptimizeResult)
    return float(np.exp(found.x))


def log_probabilities(logits: Float[np.ndarray, "N K"], sigmoid: bool) -> Float[np.ndarray, "N K"]:
    """Logarithms of probabilities that sum to 1: of a softmax, or of sigmoids divided by their sum."""
    return special.log_softmax(special.log_expit(logits) if sigmoid else logits, axis=1)
