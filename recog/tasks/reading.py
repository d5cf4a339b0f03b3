"""Reading text by CTC."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from recog.batch import Batch
from recog.codecs import Prediction, Problems, TextCodec, TextTargets
from recog.codecs.codec import INFEASIBLE
from recog.ctc import BestPath, Decoder, ctc_loss, frames_needed
from recog.metrics import ReadingCounts
from recog.metrics.hints import zero_accuracy_hint
from recog.models.frames import Frames
from recog.tasks.task import Loss, LossOutput, Task, Variables, masked_mean, normalize


@dataclasses.dataclass(frozen=True)
class ReadingTask(Task):
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

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Problems found by the codec, and labels that need more frames than the model emits."""
        return self.codec.problems(label, size) | infeasible(self.codec, label, self.frames(size[1]))

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

    def count(self, prediction: Prediction, targets: TextTargets) -> ReadingCounts:
        """Counts decoded token sequences."""
        return count_readings(prediction, targets)

    def hint(self, labels: Sequence[str], predictions: Sequence[str]) -> str | None:
        """Likely cause if no sample was read right."""
        return zero_accuracy_hint(labels, predictions)

    def _ctc(self, variables: Variables, batch: Batch, key: jax.Array) -> tuple[Float[Array, ""], LossOutput]:
        frames, model_state = self.model.apply(
            variables,
            normalize(batch.images),
            batch.widths,
            train=True,
            rngs={"dropout": key},
            mutable=[name for name in variables if name != "params"],
        )
        labels, lengths = batch.targets
        losses = ctc_loss(frames.logits, frames.lengths, labels, lengths, blank_id=self.blank_id)
        read = BestPath(self.blank_id)(frames.logits, frames.lengths)
        right = read.equals(labels, lengths) & batch.mask
        mean = masked_mean(losses, batch.mask)
        return mean, LossOutput(dict(model_state), losses, {"accuracy": jnp.sum(right)})


def infeasible(codec: TextCodec, label: Any, frames: int | None) -> Problems:
    """Reason why CTC cannot align a label with this number of frames; None frames accept any label."""
    if frames is None or not isinstance(label, str):
        return {}
    tokens = np.array(codec.split(label))
    needed = int(frames_needed(tokens[None], np.array([len(tokens)]))[0])
    if needed <= frames:
        return {}
    return {
        INFEASIBLE: (
            f"label {label!r} needs {needed} frames, the model emits {frames}: widen the picture or drop the sample"
        )
    }


def count_readings(prediction: Prediction, targets: TextTargets) -> ReadingCounts:
    """Compares decoded token sequences with targets."""
    return ReadingCounts.of(_sequences(*targets), _sequences(prediction["tokens"], prediction["lengths"]))


def _sequences(tokens: Int[Any, "B S"], lengths: Int[Any, " B"]) -> list[list[int]]:
    pairs = zip(np.asarray(tokens), np.asarray(lengths), strict=True)
    return [row[:length].tolist() for row, length in pairs]
