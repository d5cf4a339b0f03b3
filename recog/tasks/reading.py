"""Reading text by CTC."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from recog.batch import Batch
from recog.codecs import TextCodec
from recog.ctc import BestPath, Decoder, ctc_loss
from recog.models.frames import Frames
from recog.tasks.task import Loss, LossOutput, Variables, apply_training, masked_mean, normalize
from recog.tasks.text import TextTask


@dataclasses.dataclass(frozen=True)
class ReadingTask(TextTask):
    """Trains a model that emits `recog.models.frames.Frames` to read text over an alphabet."""

    model: Any
    """A `recog.models.frames.FrameReader`."""
    codec: TextCodec
    auxiliary: tuple[Loss, ...] = ()
    """Losses that are applied to each batch before the CTC loss."""
    decoder: Decoder | None = None
    """Decoder of predictions; None uses the best path."""

    @property
    def losses(self) -> tuple[Loss, ...]:
        return (*self.auxiliary, Loss("ctc", self._ctc))

    @property
    def blank_id(self) -> int:
        """Class id of the CTC blank."""
        return self.codec.alphabet.blank_id

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Initial variables for batches of this shape."""
        return dict(self.model.init(key, normalize(batch.images), batch.widths, train=False))

    def frames(self, width: int) -> int:
        """Number of CTC frames for a picture of this width in pixels."""
        return self.model.frames(width)

    def predict(
        self, variables: Variables, images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"]
    ) -> dict[str, Array]:
        """Fields of `Decoded` by name, with the ``logits`` (B T K) and ``logit_lengths`` (B) they were decoded from."""
        frames: Frames = self.model.apply(variables, normalize(images), sizes[:, 1], train=False)
        decode = self.decoder or BestPath(self.blank_id)
        return decode(frames.logits, frames.lengths)._asdict() | {
            "logits": frames.logits,
            "logit_lengths": frames.lengths,
        }

    def _ctc(self, variables: Variables, batch: Batch, key: jax.Array) -> tuple[Float[Array, ""], LossOutput]:
        frames, model_state = apply_training(self.model, variables, batch, key)
        labels, lengths = batch.targets
        losses = ctc_loss(frames.logits, frames.lengths, labels, lengths, blank_id=self.blank_id)
        read = BestPath(self.blank_id)(frames.logits, frames.lengths)
        right = read.equals(labels, lengths) & batch.mask
        mean = masked_mean(losses, batch.mask)
        return mean, LossOutput(model_state, losses, {"accuracy": jnp.sum(right)})
