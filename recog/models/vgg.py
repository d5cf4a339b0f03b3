"""VGG backbone (Simonyan and Zisserman, 2015) in the form that scene text readers adopted from CRNN."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from recog.ops.conv_block import ConvBlock, scaled
from recog.ops.pooling import max_pool

CHANNELS = (64, 128, 256, 256, 512, 512, 512)
"""Output channels of the seven convolutions."""
POOLED = (1, 2, 4)
"""Convolutions (1 to 7) followed by 2x2 max pooling."""
NORMALIZED = (5, 6)
"""Convolutions (1 to 7) with batch normalisation, and therefore without a bias."""


class VGG(nn.Module):
    """Feature extractor of the multi-task price tag reader (Acta Automatica Sinica, 2022).

    Seven 3x3 convolutions with ReLU, as in the VGG extractor of Baek et al. ("What Is Wrong With Scene Text Recognition
    Model Comparisons?", 2019), with changes that keep a picture's proportions: the third pool is 2x2 (theirs is 2x1),
    the fourth is left out, and the last convolution is 3x3 with padding (theirs is 2x2 without). An input of 96x200
    becomes 12x25.

    Example::

      backbone = VGG()
      variables = backbone.init(key, images, live, train=False)  # images: B 96 200 C in -1..1, live: B 1
      features = backbone.apply(variables, images, live, train=False)  # B 12 25 512
    """

    width: float = 1.0
    """Factor for every channel count."""
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, images: Float[Array, "B H W C"], live: Bool[Array, "B 1"], *, train: bool
    ) -> Float[Array, "B H/8 W/8 D"]:
        """Extracts features; ``live`` is from `rows_with_samples`."""
        x = images.astype(self.dtype)
        for number, channels in enumerate(CHANNELS, start=1):
            normalized = number in NORMALIZED
            convolution = ConvBlock(
                scaled(channels, self.width),
                batch_norm=normalized,
                use_bias=not normalized,
                dtype=self.dtype,
                name=f"conv{number}",
            )
            x = convolution(x, live, train=train)
            if number in POOLED:
                x = max_pool(x, (2, 2))
        return x
