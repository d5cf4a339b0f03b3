"""The protocol between a task and everything that trains, evaluates or exports it.

A task says what a batch *means*: which losses its model is trained by, what its outputs read as, which counts measure
it. Training walks `Task.losses` in order, one optimizer update each; it never learns which task it trains.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from recog.batch import Batch

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


class Task(Protocol):
    """One way to make sense of a batch."""

    @property
    def model(self) -> nn.Module:
        """The architecture whose variables are trained."""
        ...

    @property
    def losses(self) -> Sequence[Loss]:
        """Applied in turn to every batch, one optimizer update each."""
        ...

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Fresh variables for batches of this shape."""
        ...


def masked_mean(values: Float[Array, " B"], mask: Bool[Array, " B"]) -> Float[Array, ""]:
    """Mean over the rows that hold a sample; 0 when none does."""
    return jnp.sum(jnp.where(mask, values, 0.0)) / jnp.maximum(jnp.sum(mask), 1)
