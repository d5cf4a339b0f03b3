"""Classifying pictures by softmax and cross-entropy."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, UInt8

from recog.batch import Batch
from recog.codecs import ClassCodec, ClassTargets, Prediction
from recog.metrics import ClassCounts
from recog.tasks.task import Loss, LossOutput, Task, Variables, apply_training, masked_mean, normalize


@dataclasses.dataclass(frozen=True)
class ClassifyingTask(Task):
    """Trains a model that emits one row of class scores per picture."""

    model: Any
    """A Flax module, called as ``model(images, widths, train=...)``, that emits float32 ``B K``."""
    codec: ClassCodec
    on_features: bool = False
    """Whether batches of training hold outputs of `features` in place of pictures."""

    @property
    def losses(self) -> tuple[Loss, ...]:
        return (Loss("cross_entropy", self._cross_entropy),)

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Initial variables for batches of this shape."""
        return dict(self.model.init(key, normalize(batch.images), batch.widths, train=False))

    def predict(
        self, variables: Variables, images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"]
    ) -> dict[str, Array]:
        """``logits`` and ``probabilities``, both B K."""
        logits = self.model.apply(variables, normalize(images), sizes[:, 1], train=False)
        return {"logits": logits, "probabilities": jax.nn.softmax(logits)}

    def features(
        self, variables: Variables, images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"]
    ) -> Float[Array, "B D"]:
        """Features of pictures before the classifier's last layer, float32."""
        return self.model.apply(variables, normalize(images), sizes[:, 1], train=False, method="features")

    def count(self, prediction: Prediction, targets: ClassTargets) -> ClassCounts:
        """Counts confusions and log loss."""
        return ClassCounts.of(self.codec.names, targets.classes, prediction["probabilities"])

    def _cross_entropy(self, variables: Variables, batch: Batch, key: jax.Array) -> tuple[Float[Array, ""], LossOutput]:
        logits, model_state = self._logits(variables, batch, key)
        classes = batch.targets.classes
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, classes)
        right = (jnp.argmax(logits, axis=1) == classes) & batch.mask
        mean = masked_mean(losses, batch.mask)
        return mean, LossOutput(model_state, losses, {"accuracy": jnp.sum(right)})

    def _logits(self, variables: Variables, batch: Batch, key: jax.Array) -> tuple[Float[Array, "B K"], Variables]:
        """Logits in training, and the updated collections."""
        if not self.on_features:
            return apply_training(self.model, variables, batch, key)
        logits = self.model.apply(variables, batch.images, train=True, method="head", rngs={"dropout": key})
        return logits, {name: value for name, value in variables.items() if name != "params"}
