"""Classical classifiers over features of pictures, cross-validated: SVM, nearest neighbours, logistic regression."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from recog.metrics import ClassCounts

INNER = 3
"""Folds of the training samples over which settings are chosen and SVMs calibrated."""
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Values of C to choose among, by the log loss."""
NEIGHBOURS = (5, 15, 45)
"""Numbers of neighbours to choose among, by the log loss."""


class Score(NamedTuple):
    """Figures of a classifier on one fold."""

    accuracy: float
    log_loss: float
    log_loss_clipped: float
    """As `ClassCounts` has it."""
    seconds: float
    """Time to choose settings, fit and predict."""


def classifiers() -> dict[str, Callable[[int], Any]]:
    """Classifiers by name, each a function that makes a fresh one for a number of training samples.

    Features are standardised, and settings chosen from a grid. SVMs give no probabilities: a sigmoid is fitted to their
    scores (Platt scaling).
    """
    return {
        "logistic regression": lambda samples: _chosen(LogisticRegression(max_iter=2000), {"C": PENALTIES}),
        "SVM, linear": lambda samples: _chosen(_calibrated("linear"), {"estimator__C": PENALTIES}),
        "SVM, RBF": lambda samples: _chosen(_calibrated("rbf"), {"estimator__C": PENALTIES[2:]}),
        "nearest neighbours": lambda samples: _chosen(
            KNeighborsClassifier(weights="distance", metric="cosine"),
            {"n_neighbors": [number for number in NEIGHBOURS if number <= samples // 2] or [1]},
        ),
    }


def _calibrated(kernel: str) -> CalibratedClassifierCV:
    return CalibratedClassifierCV(SVC(kernel=kernel), cv=INNER, ensemble=False)  # pyright: ignore[reportArgumentType]  # the stub omits bool


def _chosen(classifier: Any, grid: Mapping[str, Sequence[float]]) -> Any:
    named = {f"classifier__{name}": list(values) for name, values in grid.items()}
    steps = Pipeline([("scaler", StandardScaler()), ("classifier", classifier)])
    return GridSearchCV(steps, named, scoring="neg_log_loss", cv=INNER)


def score(
    make: Callable[[int], Any],
    names: tuple[str, ...],
    values: Float[np.ndarray, "N D"],
    classes: Int[np.ndarray, " N"],
    held: Sequence[int],
) -> Score:
    """Trains a classifier on all samples but the held-out ones, and scores it on these.

    Args:
      make: makes the classifier for a number of training samples.
      names: class names.
      values: features.
      classes: index of each sample's class.
      held: positions of the held-out samples.
    """
    kept = np.setdiff1d(np.arange(len(values)), held)
    start = time.perf_counter()
    fitted = make(len(kept)).fit(values[kept], classes[kept])
    probabilities = np.zeros((len(held), len(names)))
    probabilities[:, fitted.classes_] = fitted.predict_proba(values[held])  # a class may be missing from the others
    seconds = time.perf_counter() - start
    counts = ClassCounts.of(names, classes[held], probabilities)
    return Score(counts.accuracy, counts.log_loss, counts.log_loss_clipped, seconds)
