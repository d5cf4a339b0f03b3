"""Interface between a task and the code that trains, evaluates or exports it.

A task defines the losses of its model, its predictions, and how they are counted. Training applies `Task.losses` in
order, one optimizer update each, and does not depend on the kind of task.
"""

import abc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt8

from recog.batch import Batch
from recog.codecs import Problems
from recog.tasks.judge import Judge

Variables = dict[str, Any]
"""Flax variable collections: ``params`` and, if the model has them, others such as ``batch_stats``."""


class LossOutput(NamedTuple):
    """Auxiliary outputs of a loss function."""

    model_state: Variables
    """Updated collections other than ``params``."""
    sample_losses: Float[Array, " B"]
    """Loss of each row; rows without a sample are ignored."""
    sums: dict[str, Array]
    """Sums of metrics over the batch's samples; logged after division by the number of samples."""


LossFunction = Callable[[Variables, Batch, jax.Array], tuple[Float[Array, ""], LossOutput]]
"""``loss(variables, batch, key)`` returns the scalar to minimise, a mean over the batch's samples, and the rest."""


class Loss(NamedTuple):
    """A loss function with the name under which it is logged."""

    name: str
    function: LossFunction


class Task(Judge):
    """Losses, predictions and counts for a model and a kind of label.

    Attributes:
      model: the Flax module whose variables are trained.
    """

    model: Any

    @property
    @abc.abstractmethod
    def losses(self) -> Sequence[Loss]:
        """Losses that are applied in turn to every batch, one optimizer update each."""

    @abc.abstractmethod
    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Initial variables for batches of this shape."""

    @abc.abstractmethod
    def predict(
        self, variables: Variables, images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"]
    ) -> dict[str, Array]:
        """Predicts a batch of padded pictures: arrays by name, with a leading batch axis.

        A pure function, to be jitted, evaluated and exported. Variables that it does not use, such as those of a
        decoder for training only, are not exported.
        """

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Reasons why a model cannot be trained on a sample, by kind.

        Args:
          label: as its source provides it.
          size: height and width of the picture in pixels, scaled to the model's input.
        """
        return self.codec.problems(label, size)

    def frames(self, width: int) -> int | None:
        """Number of CTC frames for a picture of this width in pixels; None for tasks without CTC."""
        del width
        return None

    @property
    def serving(self) -> dict[str, Any]:
        """Facts that decoders of an exported program need beside the codec, for JSON."""
        return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes to print before training and before evaluation."""
        return ()

    @property
    def learns_from_validation(self) -> bool:
        """Whether a value is learnt from the validation samples at each evaluation (`recog.tasks.branches`)."""
        return False


def normalize(images: Array) -> Float[Array, "B H W C"]:
    """Scales pixels from 0..255 to -1..1."""
    return jnp.asarray(images, jnp.float32) / 127.5 - 1.0


def apply_training(
    model: Any, variables: Variables, batch: Batch, key: jax.Array, method: str | None = None
) -> tuple[Any, Variables]:
    """Applies a model called as ``model(images, widths, train=True)``, with dropout and batch statistics.

    Args:
      model: a Flax module.
      variables: collections of the model; all but ``params`` are updated.
      batch: batch to train on.
      key: key of the dropout.
      method: name of another method with the same arguments; None calls the module itself.

    Returns:
      The outputs and the updated collections.
    """
    outputs, model_state = model.apply(
        variables,
        normalize(batch.images),
        batch.widths,
        train=True,
        method=method,
        rngs={"dropout": key},
        mutable=[name for name in variables if name != "params"],
    )
    return outputs, dict(model_state)


def masked_mean(values: Float[Array, " B"], mask: Bool[Array, " B"]) -> Float[Array, ""]:
    """Mean over the rows that hold a sample; 0 if none does."""
    return jnp.sum(jnp.where(mask, values, 0.0)) / jnp.maximum(jnp.sum(mask), 1)
