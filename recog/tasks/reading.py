"""Reading: frames to text through CTC."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt8

from recog.alphabet import Alphabet
from recog.batch import Batch
from recog.ctc import BestPath, Reading, best_path, ctc_loss, texts
from recog.models.frames import Frames
from recog.tasks.task import Loss, LossOutput, Variables, masked_mean


@dataclasses.dataclass(frozen=True)
class ReadingTask:
    """Trains a model that emits `recog.models.frames.Frames` to read text over an alphabet."""

    model: nn.Module
    """Called as ``model(images, widths, train=...)``."""
    alphabet: Alphabet

    @property
    def losses(self) -> tuple[Loss, ...]:
        return (Loss("ctc", self._ctc),)

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Fresh variables for batches of this shape."""
        return dict(self.model.init(key, normalize(batch.images), batch.widths, train=False))

    def _ctc(self, variables: Variables, batch: Batch, key: jax.Array) -> tuple[Array, LossOutput]:
        frames, model_state = self.model.apply(
            variables,
            normalize(batch.images),
            batch.widths,
            train=True,
            rngs={"dropout": key},
            mutable=[name for name in variables if name != "params"],
        )
        losses = ctc_loss(
            frames.logits,
            frames.lengths,
            batch.labels,
            batch.label_lengths,
            blank_id=self.alphabet.blank_id,
        )
        read = best_path(frames.logits, frames.lengths, blank_id=self.alphabet.blank_id)
        right = exact(read, batch.labels, batch.label_lengths) & batch.mask
        mean = masked_mean(losses, batch.mask)
        return mean, LossOutput(dict(model_state), losses, {"accuracy": jnp.sum(right)})

    def read(self, variables: Variables, images: UInt8[Array, "B H W C"], widths: Int[Array, " B"]) -> BestPath:
        """Reads a batch of padded pictures; a pure function, to be jitted or exported."""
        frames: Frames = self.model.apply(variables, normalize(images), widths, train=False)  # pyright: ignore[reportAssignmentType]
        return best_path(frames.logits, frames.lengths, blank_id=self.alphabet.blank_id)

    def texts(self, read: BestPath) -> list[Reading]:
        """What a batch reads as, on the host."""
        return texts(self.alphabet, read)


def normalize(images: Array) -> Float[Array, "B H W C"]:
    """Pixels 0..255 to -1..1."""
    return images.astype(jnp.float32) / 127.5 - 1.0


def exact(read: BestPath, labels: Int[Array, "B L"], label_lengths: Int[Array, " B"]) -> Bool[Array, " B"]:
    """Which rows were read token for token."""
    frames, slots = read.tokens.shape[1], labels.shape[1]
    width = max(frames, slots)
    tokens = jnp.pad(read.tokens, ((0, 0), (0, width - frames)))
    labels = jnp.pad(labels, ((0, 0), (0, width - slots)))
    differs = (tokens != labels) & (jnp.arange(width) < label_lengths[:, None])
    return (read.lengths == label_lengths) & ~jnp.any(differs, axis=1)
