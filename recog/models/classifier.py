"""Classifier of pictures: a backbone and a linear layer over its mean features."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.codecs import ClassCodec
from recog.models.config import ModelConfig
from recog.models.resnet import ResNet29
from recog.models.vgg import VGG
from recog.ops.conv_block import rows_with_samples
from recog.ops.dropout import Dropout


@dataclasses.dataclass
class ClassifierConfig(ModelConfig):
    """Settings of the classifier."""

    backbone: str = "resnet"
    """Backbone: ``resnet`` (`recog.models.resnet.ResNet29`) or ``vgg`` (`recog.models.vgg.VGG`)."""

    labels = ClassCodec

    def check(self) -> None:
        """See `ModelConfig.check`."""
        super().check()
        if self.backbone not in ("resnet", "vgg"):
            raise ValueError(f"model.backbone={self.backbone!r}: choose resnet or vgg")

    def build(self, codec: ClassCodec) -> "Classifier":
        """Builds the module for the codec's classes."""
        return Classifier(self, codec.classes)


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
        backbone = ResNet29 if config.backbone == "resnet" else VGG
        self.backbone = backbone(config.width, dtype)
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
        x = self.backbone(images, rows_with_samples(widths), train=train)
        return jnp.mean(x.astype(jnp.float32), axis=(1, 2))

    def head(self, features: Float[Array, "B D"], *, train: bool) -> Float[Array, "B K"]:
        """Computes float32 logits of features."""
        return self.classifier(self.dropout(features, train=train))
