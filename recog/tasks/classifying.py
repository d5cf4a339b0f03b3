"""Classifying pictures by softmax or sigmoids, with views at test time that are averaged."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from recog.batch import Batch
from recog.codecs import ClassCodec, ClassTargets, Prediction
from recog.metrics import ClassCounts
from recog.tasks.class_scores import ClassScores
from recog.tasks.judge import Judge
from recog.tasks.task import Loss, LossOutput, Task, Variables, apply_training, masked_mean, normalize
from recog.tasks.views import WHOLE, views_of


class ClassJudge(Judge):
    """Judges probabilities of classes.

    Attributes:
      scores: meaning of the probabilities.
    """

    codec: ClassCodec
    scores: ClassScores

    def count(self, prediction: Prediction, targets: ClassTargets) -> ClassCounts:
        """Counts confusions, log loss and calibration, of probabilities that sum to 1 (`ClassScores.distribution`)."""
        probabilities = self.scores.distribution(prediction["probabilities"])
        return ClassCounts.of(self.codec.names, targets.classes, probabilities)


@dataclasses.dataclass(frozen=True)
class ClassifyingTask(ClassJudge, Task):
    """Trains a model that emits one row of class scores per picture."""

    model: Any
    """A Flax module, called as ``model(images, widths, train=...)``, that emits float32 ``B K``."""
    codec: ClassCodec
    scores: ClassScores = dataclasses.field(default_factory=ClassScores)
    """Loss and probabilities of the model's logits."""
    views: tuple[str, ...] = WHOLE
    """Views of a picture whose probabilities are averaged (`recog.tasks.views`)."""
    temperature: float = 1.0
    """Divisor of the predicted logits, that makes confidences right (`recog.evaluation.calibration`)."""
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
        """``logits`` and ``probabilities``, both B K; the latter are sigmoids, or sum to 1.

        Of several views, the probabilities are averaged, and ``logits`` are those of the average. The temperature
        divides these.
        """
        views = views_of(images, sizes, self.views)
        every = jnp.concatenate([normalize(view) for view in views]) if len(views) > 1 else normalize(views[0])
        logits = self.model.apply(variables, every, jnp.tile(sizes[:, 1], len(views)), train=False)
        if len(views) > 1:
            logits = self.scores.averaged(jnp.stack(jnp.split(logits, len(views))))
        if self.temperature != 1:
            logits = logits / self.temperature
        return {"logits": logits, "probabilities": self.scores.probabilities(logits)}

    def features(
        self, variables: Variables, images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"]
    ) -> Float[Array, "B D"]:
        """Features of pictures before the classifier's last layer, float32."""
        return self.model.apply(variables, normalize(images), sizes[:, 1], train=False, method="features")

    def _cross_entropy(self, variables: Variables, batch: Batch, key: jax.Array) -> tuple[Float[Array, ""], LossOutput]:
        logits, model_state = self._logits(variables, batch, key)
        losses = batch.targets.average(lambda classes: self.scores.losses(logits, classes))
        right = (jnp.argmax(logits, axis=1) == batch.targets.classes) & batch.mask
        mean = masked_mean(losses, batch.mask)
        return mean, LossOutput(model_state, losses, {"accuracy": jnp.sum(right)})

    def _logits(self, variables: Variables, batch: Batch, key: jax.Array) -> tuple[Float[Array, "B K"], Variables]:
        """Logits in training, and the updated collections."""
        if not self.on_features:
            return apply_training(self.model, variables, batch, key)
        logits = self.model.apply(variables, batch.images, train=True, method="head", rngs={"dropout": key})
        return logits, {name: value for name, value in variables.items() if name != "params"}
