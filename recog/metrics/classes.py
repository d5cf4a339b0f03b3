"""Counts over classified samples: accuracy, log loss, calibration, precision, recall and F1 of each class."""

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float, Int

from recog.metrics.counts import RateStyle
from recog.metrics.reliability import Reliability

LEAST_PROBABILITY = 1e-15
"""Probabilities are clipped to this and to one minus this for the log loss (as Kaggle does); NaN counts as zero."""
CLIP = 0.005
"""Probabilities are clipped to this and to one minus this for the clipped log loss, in which a confident mistake costs
5.3 nats at most, and a right answer 0.005 at least; a common choice for Kaggle's Dogs vs. Cats."""


NO_SAMPLES = Reliability()


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Mergeable counts over pairs of class and predicted probabilities.

    Example:
      >>> counts = ClassCounts.of(("cat", "dog"), np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]]))
      >>> counts.accuracy
      0.5

    Rates without samples are 0.0, because JSON has no NaN; check ``count`` first.
    """

    ranks_by: ClassVar[str] = "accuracy"
    ties_by: ClassVar[str] = "log_loss"
    style: ClassVar[RateStyle] = RateStyle("accuracy", "acc", "pictures classified right")

    names: tuple[str, ...]
    """Class names."""
    confusion: Int[np.ndarray, "K K"]
    """Number of samples by true class (rows) and most probable class (columns)."""
    log_loss_sum: Fraction = Fraction(0)
    """Sum over samples of the negative log probability of the true class, in nats; exact, so that it does not depend on
    the order of addition."""
    log_loss_clipped_sum: Fraction = Fraction(0)
    """As ``log_loss_sum``, with probabilities clipped by `CLIP`."""
    reliability: Reliability = NO_SAMPLES
    """Confidences and right predictions by bins."""

    @classmethod
    def of(
        cls, names: tuple[str, ...], classes: Int[np.ndarray, " N"], probabilities: Float[np.ndarray, "N K"]
    ) -> Self:
        """Compares predictions with classes.

        Args:
          names: class names.
          classes: index of each sample's true class among the names.
          probabilities: predicted probability of each class for each sample.

        Raises:
          ValueError: the probabilities do not have one row per sample and one column per name.
        """
        if probabilities.shape != (len(classes), len(names)):
            raise ValueError(
                f"probabilities of shape {probabilities.shape} for {len(classes)} samples and {len(names)} classes: "
                "pass one row per sample and one column per class"
            )
        probabilities = np.nan_to_num(probabilities.astype(np.float64), nan=0.0)
        best = probabilities.argmax(axis=1)
        confusion = np.zeros((len(names), len(names)), np.int64)
        np.add.at(confusion, (classes, best), 1)
        rows = np.arange(len(classes))
        own = probabilities[rows, classes]
        reliability = Reliability.of(probabilities[rows, best], best == classes)
        return cls(names, confusion, _loss_sum(own, LEAST_PROBABILITY), _loss_sum(own, CLIP), reliability)

    def __add__(self, other: Self) -> Self:
        if self.names != other.names:
            raise ValueError(f"counts over the classes {self.names} and {other.names} cannot be added")
        return type(self)(
            self.names,
            self.confusion + other.confusion,
            self.log_loss_sum + other.log_loss_sum,
            self.log_loss_clipped_sum + other.log_loss_clipped_sum,
            self.reliability.merged(other.reliability),
        )

    @property
    def count(self) -> int:
        """Number of samples."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of samples whose most probable class is the true one."""
        return int(self.confusion.trace()) / max(self.count, 1)

    @property
    def log_loss(self) -> float:
        """Mean negative log probability of the true class, in nats."""
        return float(self.log_loss_sum / max(self.count, 1))

    @property
    def log_loss_clipped(self) -> float:
        """Mean negative log probability of the true class in nats, with probabilities clipped by `CLIP`."""
        return float(self.log_loss_clipped_sum / max(self.count, 1))

    @property
    def precision(self) -> Float[np.ndarray, " K"]:
        """Share of correct samples among those predicted as each class; 0 for classes never predicted."""
        return self.confusion.diagonal() / np.maximum(self.confusion.sum(axis=0), 1)

    @property
    def recall(self) -> Float[np.ndarray, " K"]:
        """Share of correct samples among those of each true class; 0 for classes without samples."""
        return self.confusion.diagonal() / np.maximum(self.confusion.sum(axis=1), 1)

    @property
    def f1(self) -> Float[np.ndarray, " K"]:
        """Harmonic mean of precision and recall of each class; 0 where both are 0."""
        occurrences = self.confusion.sum(axis=0) + self.confusion.sum(axis=1)
        return 2 * self.confusion.diagonal() / np.maximum(occurrences, 1)

    def report(self) -> dict[str, float]:
        """``count accuracy log_loss log_loss_clipped ece macro_f1``, and rates of each class.

        The rates are ``precision/NAME recall/NAME f1/NAME``; ``ece`` is `Reliability.error`.
        """
        rates = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {
            "count": self.count,
            "accuracy": self.accuracy,
            "log_loss": self.log_loss,
            "log_loss_clipped": self.log_loss_clipped,
            "ece": self.reliability.error,
            "macro_f1": float(self.f1.mean()),
            **{
                f"{rate}/{name}": float(value)
                for rate, values in rates.items()
                for name, value in zip(self.names, values, strict=True)
            },
        }


def _loss_sum(probabilities: Float[np.ndarray, " N"], least: float) -> Fraction:
    """Sum of the negative logarithms of probabilities clipped to ``least`` and ``1 - least``."""
    losses = -np.log(np.clip(probabilities, least, 1 - least))
    return sum(map(Fraction, losses.tolist()), start=Fraction(0))


def shares(probabilities: Float[np.ndarray, "B K"]) -> Float[np.ndarray, "B K"]:
    """Divides each row by its sum: ``p`` and ``q`` become ``p / (p + q)`` and ``q / (p + q)``; zeros become equal."""
    sums = probabilities.sum(axis=1, keepdims=True)
    return np.where(sums > 0, probabilities / np.where(sums > 0, sums, 1), 1 / probabilities.shape[1])
