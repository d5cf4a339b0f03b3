"""YOLOv3 (Redmon and Farhadi 2018) with a further head for the four corners of each object.

Three scales share a Darknet; every cell of their grids has three priors, and predicts for each of them a box, whether
there is an object, its class, and its corners.
"""

import dataclasses
import functools

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.codecs import BoxCodec
from recog.detection.positions import PRIORS, STRIDES, Raw
from recog.models.config import ModelConfig
from recog.models.darknet import BLOCKS, STAGES, Darknet, DarknetConv
from recog.ops.conv_block import BareConv, rows_with_samples, scaled

BOX, CORNERS = 4, 8
"""Numbers for the box and for the corners of a prior."""
RARE = -4.6
"""Initial logit of an object's presence, for a probability of 1 % (Lin et al. 2017, "Focal Loss", section 3.3)."""
COCO = ((10, 13), (16, 30), (33, 23), (30, 61), (62, 45), (59, 119), (116, 90), (156, 198), (373, 326))
"""Priors of the paper, from the boxes of COCO at 416 by 416 pixels."""


@dataclasses.dataclass
class YOLOConfig(ModelConfig):
    """Settings of the detector; 61.5 million parameters as published, without the corners."""

    blocks: tuple[int, ...] = BLOCKS
    """Residual blocks of the five stages."""
    patch: int = 1
    """Side in pixels of the squares that the first convolution sees as one pixel: 1 as published; 2 or 4 replace one or
    two stages, which is faster."""
    priors: tuple[tuple[float, float], ...] = COCO
    """Width and height in pixels of the nine priors, by increasing area; ``launch.prepare --priors`` finds them."""

    regression: float = 1.0
    """Weight of the losses of boxes and corners: 1 as published. More makes boxes exact in short trainings, where the
    sum over all positions without an object outweighs them."""

    labels = BoxCodec

    def check(self) -> None:
        """See `ModelConfig.check`."""
        super().check()
        if self.dropout:
            raise ValueError(f"model.dropout={self.dropout}: YOLO has no dropout, set it to 0")
        if len(self.blocks) != len(STAGES) or min(self.blocks) < 0:
            raise ValueError(f"model.blocks={self.blocks}: give the residual blocks of {len(STAGES)} stages, 0 or more")
        if not self.regression > 0:
            raise ValueError(f"model.regression={self.regression} weighs losses: choose more than 0")
        if self.patch not in (1, 2, 4):
            raise ValueError(f"model.patch={self.patch}: choose 1, 2 or 4 pixels")
        shaped = all(len(prior) == 2 and min(prior) > 0 for prior in self.priors)
        if len(self.priors) != PRIORS * len(STRIDES) or not shaped:
            raise ValueError(
                f"model.priors={self.priors}: give width and height, above 0, of {PRIORS * len(STRIDES)} priors, as "
                "launch.prepare --priors prints them"
            )

    def build(self, codec: BoxCodec) -> "YOLO":
        """Builds the module for the codec's classes."""
        return YOLO(self, codec.classes)


class YOLO(nn.Module):
    """Darknet, and heads at strides 32, 16 and 8; each but the first also sees the features of the one before.

    Example::

      model = YOLO(YOLOConfig(), classes=1)
      variables = model.init(key, images, widths, train=False)  # images: B 416 416 3 in -1..1
      raw = model.apply(variables, images, widths, train=False)  # raw.boxes: B 10647 4
    """

    config: YOLOConfig
    classes: int
    """Number of classes."""

    @nn.compact
    def __call__(self, images: Float[Array, "B H W C"], widths: Int[Array, " B"], *, train: bool) -> Raw:
        """Computes float32 predictions in the order of `recog.detection.positions.Positions`.

        Rows of width 0 hold no sample and do not change batch statistics. Height and width must be multiples of 32.
        """
        config, dtype, live = self.config, jnp.dtype(self.config.dtype), rows_with_samples(widths)
        features = Darknet(config.width, tuple(config.blocks), config.patch, dtype, name="backbone")(
            images, live, train=train
        )
        conv = functools.partial(DarknetConv, dtype=dtype)
        above, heads = None, []
        for stride, channels, x in zip(reversed(STRIDES), reversed(STAGES), reversed(features), strict=False):
            wide, narrow = scaled(channels, config.width), scaled(channels // 2, config.width)
            if above is not None:
                above = conv(narrow, 1, name=f"from{2 * stride}")(above, live, train=train)
                x = jnp.concatenate([_doubled(above), x], axis=-1)
            for place in range(2):
                x = conv(narrow, 1, name=f"neck{stride}_squeeze{place}")(x, live, train=train)
                x = conv(wide, name=f"neck{stride}_expand{place}")(x, live, train=train)
            above = conv(narrow, 1, name=f"neck{stride}_squeeze2")(x, live, train=train)
            x = conv(wide, name=f"head{stride}_expand")(above, live, train=train)
            heads.append(self._head(x, stride))
        return Raw(*(jnp.concatenate(parts, axis=1) for parts in zip(*reversed(heads), strict=True)))

    def _head(self, x: Float[Array, "B Y X D"], stride: int) -> Raw:
        """Predictions of one scale."""
        found = self._linear(x, PRIORS * (BOX + 1 + self.classes), f"head{stride}")
        corners = self._linear(x, PRIORS * CORNERS, f"corners{stride}")
        batch, count = x.shape[0], x.shape[1] * x.shape[2] * PRIORS
        found = found.reshape(batch, count, BOX + 1 + self.classes)
        return Raw(
            boxes=found[..., :BOX],
            objectness=found[..., BOX] + RARE,
            classes=found[..., BOX + 1 :],
            corners=corners.reshape(batch, count, CORNERS // 2, 2),
        )

    def _linear(self, x: Float[Array, "B Y X D"], channels: int, name: str) -> Float[Array, "B Y X _"]:
        """1x1 convolution with bias, in float32; initially zero, so that training begins with the priors as boxes."""
        dtype = jnp.dtype(self.config.dtype)
        x, bias = BareConv(channels, (1, 1), dtype=dtype, kernel_init=nn.initializers.zeros, name=name)(x)
        return x.astype(jnp.float32) + bias


def _doubled(x: Float[Array, "B H W C"]) -> Float[Array, "B Y X C"]:
    """Repeats every pixel in both directions."""
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
