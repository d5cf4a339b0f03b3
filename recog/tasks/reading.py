"""Reading: frames to text through CTC."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from recog.alphabet import Alphabet
from recog.batch import Batch
from recog.ctc import best_path, ctc_loss
from recog.decoded import Decoded
from recog.models.frames import Frames
from recog.tasks.task import Loss, LossOutput, Variables, masked_mean, normalize


@dataclasses.dataclass(frozen=True)
class ReadingTask:
    """Trains a model that emits `recog.models.frames.Frames` to read text over an alphabet."""

    model: Any
    """A `recog.models.frames.FrameReader`."""
    alphabet: Alphabet
    auxiliary: tuple[Loss, ...] = ()
    """Losses that are updated on before CTC's, with each batch."""

    @property
    def losses(self) -> tuple[Loss, ...]:
        return (*self.auxiliary, Loss("ctc", self._ctc))

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Fresh variables for batches of this shape."""
        return dict(self.model.init(key, normalize(batch.images), batch.widths, train=False))

    def frames(self, width: int) -> int:
        """What the model has."""
        return self.model.frames(width)

    def read(self, variables: Variables, images: UInt8[Array, "B H W C"], widths: Int[Array, " B"]) -> Decoded:
        """Reads a batch of padded pictures along their best paths."""
        frames: Frames = self.model.apply(variables, normalize(images), widths, train=False)
        return best_path(frames.logits, frames.lengths, blank_id=self.alphabet.blank_id)

    def targets(self, labels: Int[Array, "B L"], label_lengths: Int[Array, " B"]):
        """The labels themselves."""
        return labels, label_lengths

    def _ctc(self, variables: Variables, batch: Batch, key: jax.Array) -> tuple[Float[Array, ""], LossOutput]:
        frames, model_state = self.model.apply(
            variables,
            normalize(batch.images),
            batch.widths,
            train=True,
            rngs={"dropout": key},
            mutable=[name for name in variables if name != "params"],
        )
        blank_id = self.alphabet.blank_id
        losses = ctc_loss(frames.logits, frames.lengths, batch.labels, batch.label_lengths, blank_id=blank_id)
        read = best_path(frames.logits, frames.lengths, blank_id=blank_id)
        right = read.equals(batch.labels, batch.label_lengths) & batch.mask
        mean = masked_mean(losses, batch.mask)
        return mean, LossOutput(dict(model_state), losses, {"accuracy": jnp.sum(right)})
