"""Classifier of pictures: a backbone and a linear layer over its mean features."""

import dataclasses
import math
from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.codecs import ClassCodec
from recog.models.config import ModelConfig
from recog.models.efficientnet_lite import VARIANTS, EfficientNetLite
from recog.models.resnet import ResNet29
from recog.models.vgg import VGG
from recog.ops.conv_block import rows_with_samples
from recog.ops.dropout import Dropout
from recog.ops.feature_map import feature_map

BACKBONES = ("resnet", "vgg", *(f"efficientnet_{variant}" for variant in VARIANTS))
"""Names of the backbones."""


@dataclasses.dataclass
class ClassifierConfig(ModelConfig):
    """Settings of the classifier."""

    backbone: str = "resnet"
    """Backbone: ``resnet`` (`recog.models.resnet.ResNet29`), ``vgg`` (`recog.models.vgg.VGG`), or
    ``efficientnet_lite0`` to ``efficientnet_lite4`` (`recog.models.efficientnet_lite`), whose public weights can be
    imported."""
    loss: str = "softmax"
    """``softmax``: exclusive classes, trained by cross-entropy. ``sigmoid``: a probability for each class by itself,
    trained by the sum of their binary cross-entropies."""
    label_smoothing: float = 0.0
    """Share of the target that is spread evenly over all classes, 0 or more and below 1."""
    class_weights: tuple[float, ...] = ()
    """Factors for the losses of samples by their class, in the order of ``classes``; empty for 1. The mean is taken
    over samples, so that factors whose mean over the samples is 1 suit the same learning rate."""
    views: tuple[str, ...] = ("whole",)
    """Views of a picture whose probabilities are averaged in evaluation and in artifacts: ``whole``; ``crops`` for its
    corners and its centre; ``flip`` adds the mirror images of these. Each view takes as much time as one picture."""
    temperature: float = 1.0
    """Divisor of the logits in evaluation and in artifacts, as ``launch.evaluate --calibrate`` finds it."""

    labels = ClassCodec
    array_fields = (*ModelConfig.array_fields, "label_smoothing")

    def check(self) -> None:
        """See `ModelConfig.check`."""
        super().check()
        if self.backbone not in BACKBONES:
            raise ValueError(f"model.backbone={self.backbone!r}: choose {', '.join(BACKBONES[:-1])} or {BACKBONES[-1]}")
        if self.backbone.startswith("efficientnet") and self.width != 1:
            raise ValueError(
                f"model.width={self.width}: {self.backbone} has the channels of its public weights, set model.width=1 "
                "(efficientnet_lite0 is the smallest)"
            )
        if self.loss not in ("softmax", "sigmoid"):
            raise ValueError(f"model.loss={self.loss!r}: choose softmax or sigmoid")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"model.label_smoothing={self.label_smoothing}: choose 0 or more, below 1")
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"model.temperature={self.temperature} divides logits: choose more than 0")

    def build(self, codec: ClassCodec) -> "Classifier":
        """Builds the module for the codec's classes."""
        return Classifier(self, codec.classes)

    def check_weights(self, names: Sequence[str]) -> None:
        """Raises ``ValueError`` if ``class_weights`` are not one positive factor for each of the classes."""
        weights = self.class_weights
        if weights and not (len(weights) == len(names) and all(0 < weight < math.inf for weight in weights)):
            raise ValueError(
                f"model.class_weights={weights}: give one factor above 0 for each of the {len(names)} classes "
                f"{', '.join(names[:8])}"
            )


class Classifier(nn.Module):
    """Backbone, mean over all positions, dropout, linear classifier.

    Example::

      model = Classifier(ClassifierConfig(), classes=2)
      variables = model.init(key, images, widths, train=False)  # images: B H W C in -1..1
      logits = model.apply(variables, images, widths, train=False)  # B 2
    """

    config: ClassifierConfig
    classes: int
    """Number of classes."""

    def setup(self) -> None:
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        self.backbone = make_backbone(config.backbone, config.width, dtype)
        self.dropout = Dropout(config.dropout, name="Dropout_0")
        self.classifier = nn.Dense(self.classes)

    def __call__(
        self, images: Float[Array, "B H W C"], widths: Int[Array, " B"], *, train: bool
    ) -> Float[Array, "B K"]:
        """Computes float32 logits; rows of width 0 hold no sample and do not change batch statistics."""
        return self.head(self.features(images, widths, train=train), train=train)

    def features(
        self, images: Float[Array, "B H W C"], widths: Int[Array, " B"], *, train: bool
    ) -> Float[Array, "B D"]:
        """Mean over all positions of the backbone's output, float32."""
        x = feature_map(self, self.backbone(images, rows_with_samples(widths), train=train))
        return jnp.mean(x.astype(jnp.float32), axis=(1, 2))

    def head(self, features: Float[Array, "B D"], *, train: bool) -> Float[Array, "B K"]:
        """Computes float32 logits of features."""
        return self.classifier(self.dropout(features, train=train))


def make_backbone(backbone: str, width: float, dtype: jnp.dtype) -> nn.Module:
    """Builds a backbone, called as ``module(images, live, train=...)``.

    Args:
      backbone: one of `BACKBONES`.
      width: factor for every channel count, of ``resnet`` and ``vgg``.
      dtype: type of convolutions.
    """
    match backbone:
        case "resnet":
            return ResNet29(width, dtype)
        case "vgg":
            return VGG(width, dtype)
        case _:
            return EfficientNetLite(VARIANTS[backbone.removeprefix("efficientnet_")], dtype)
