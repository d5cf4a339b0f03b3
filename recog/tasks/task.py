"""The interface between a task and everything that trains, evaluates or exports it.

A task says what a batch *means*: the losses that its model is trained by, its predictions, and how they are counted.
Training walks `Task.losses` in order, one optimizer update each; it never learns which task it trains.
"""

import abc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt8

from recog.batch import Batch
from recog.codecs import Prediction, Problems, Reading
from recog.metrics import Counts

Variables = dict[str, Any]
"""Flax variable collections: ``params`` and, where the model has them, ``batch_stats``."""


class LossOutput(NamedTuple):
    """What one loss function gives beside its value."""

    model_state: Variables
    """The updated collections other than ``params``."""
    sample_losses: Float[Array, " B"]
    """Loss of each row; those of rows without a sample are ignored."""
    sums: dict[str, Array]
    """Metric sums over the batch's samples; divided by the number of samples when they are logged."""


LossFunction = Callable[[Variables, Batch, jax.Array], tuple[Float[Array, ""], LossOutput]]
"""``loss(variables, batch, key)``: the scalar to minimise (a mean over the batch's samples), and the rest."""


class Loss(NamedTuple):
    """A loss with the name it is logged under."""

    name: str
    function: LossFunction


class Task(abc.ABC):
    """One way to make sense of a batch.

    Attributes:
      model: the architecture whose variables are trained.
      codec: of the labels, a `recog.codecs.Codec`.
    """

    model: Any
    codec: Any

    @property
    @abc.abstractmethod
    def losses(self) -> Sequence[Loss]:
        """Applied in turn to every batch, one optimizer update each."""

    @abc.abstractmethod
    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Fresh variables for batches of this shape."""

    @abc.abstractmethod
    def predict(
        self, variables: Variables, images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"]
    ) -> dict[str, Array]:
        """Predictions for a batch of padded pictures, arrays with a leading batch axis by name.

        A pure function, to be jitted, evaluated and exported. Variables that it does not use (a decoder that only helps
        training) are not exported.
        """

    @abc.abstractmethod
    def count(self, prediction: Prediction, targets: Any) -> Counts:
        """Counts over a batch on the host, every row of which holds a sample.

        Args:
          prediction: as NumPy arrays.
          targets: those that `expected` gives.
        """

    def rows(self, prediction: Prediction) -> list[Reading]:
        """A batch of predictions as tables, contact sheets and servers show them; on the host."""
        return self.codec.readings(prediction)

    def expected(self, targets: Any) -> Any:
        """Targets that a perfect prediction is compared with; a pure function of arrays."""
        return targets

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Reasons why a sample cannot be learnt from, by kind.

        Args:
          label: as its source has it.
          size: height and width of the picture in pixels, scaled to the model's input.
        """
        return self.codec.problems(label, size)

    def frames(self, width: int) -> int | None:
        """CTC frames for a picture of this width in pixels; None where there are none."""
        del width
        return None

    def hint(self, labels: Sequence[str], predictions: Sequence[str]) -> str | None:
        """The likely cause where nothing at all was predicted right, and its mend; None where nothing stands out."""
        del labels, predictions
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a user should know before training and before reading results."""
        return ()

    @property
    def learns_from_validation(self) -> bool:
        """Whether something is learnt from the validation samples at each evaluation (`recog.tasks.branches`)."""
        return False


def normalize(images: Array) -> Float[Array, "B H W C"]:
    """Pixels 0..255 to -1..1."""
    return jnp.asarray(images, jnp.float32) / 127.5 - 1.0


def masked_mean(values: Float[Array, " B"], mask: Bool[Array, " B"]) -> Float[Array, ""]:
    """Mean over the rows that hold a sample; 0 when none does."""
    return jnp.sum(jnp.where(mask, values, 0.0)) / jnp.maximum(jnp.sum(mask), 1)
