"""Comparison of predictions with labels, whatever made the predictions: a task in training, or an artifact."""

import abc
from collections.abc import Sequence
from typing import Any

from recog.codecs import Prediction, Reading
from recog.metrics import Counts


class Judge(abc.ABC):
    """Counts and texts of the predictions of a kind of label; on the host.

    Attributes:
      codec: codec of the labels, a `recog.codecs.Codec`.
    """

    codec: Any

    @abc.abstractmethod
    def count(self, prediction: Prediction, targets: Any) -> Counts:
        """Counts a batch on the host; every row must hold a sample.

        Args:
          prediction: the codec's ``compared`` outputs of `predict`, as NumPy arrays.
          targets: output of `expected` as NumPy arrays.
        """

    def rows(self, prediction: Prediction) -> list[Reading]:
        """Predictions of a batch as text, for tables, contact sheets and servers; on the host."""
        return self.codec.readings(prediction)

    def expected(self, targets: Any) -> Any:
        """Targets that predictions are compared with; a pure function of arrays."""
        return targets

    def hint(self, labels: Sequence[str], predictions: Sequence[str]) -> str | None:
        """Likely cause of an accuracy of zero, with its mend; None if no cause is found."""
        del labels, predictions
        return None
