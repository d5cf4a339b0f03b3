"""The protocol between a task and everything that trains, evaluates or exports it.

A task says what a batch *means*: which losses its model is trained by, what its outputs read as, what would be right.
Training walks `Task.losses` in order, one optimizer update each; it never learns which task it trains.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt8

from recog.alphabet import Alphabet
from recog.batch import Batch
from recog.decoded import Decoded

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
    def alphabet(self) -> Alphabet:
        """Of the labels and of what is read."""
        ...

    @property
    def losses(self) -> Sequence[Loss]:
        """Applied in turn to every batch, one optimizer update each."""
        ...

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Fresh variables for batches of this shape."""
        ...

    def frames(self, width: int) -> int | None:
        """Frames that CTC has for a picture of this width; None where labels of any length can be learnt."""
        ...

    def read(self, variables: Variables, images: UInt8[Array, "B H W C"], widths: Int[Array, " B"]) -> Decoded:
        """Reads a batch of padded pictures; a pure function, to be jitted or exported.

        Variables that it does not use (a decoder that only helps training) are not exported.
        """
        ...

    def targets(
        self, labels: Int[Array, "B L"], label_lengths: Int[Array, " B"]
    ) -> tuple[Int[Array, "B S"], Int[Array, " B"]]:
        """What a perfect reading of samples with these labels is: tokens and lengths."""
        ...


def normalize(images: Array) -> Float[Array, "B H W C"]:
    """Pixels 0..255 to -1..1."""
    return jnp.asarray(images, jnp.float32) / 127.5 - 1.0


def masked_mean(values: Float[Array, " B"], mask: Bool[Array, " B"]) -> Float[Array, ""]:
    """Mean over the rows that hold a sample; 0 when none does."""
    return jnp.sum(jnp.where(mask, values, 0.0)) / jnp.maximum(jnp.sum(mask), 1)
