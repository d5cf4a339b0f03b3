"""Drawing head for graphically supervised training: draws the label from a reader's features.

From "Research on license plate recognition based on graphically supervised signal-assisted training" (PeerJ Computer
Science, cs-2989). It only helps training; inference and exports leave it out.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from recog.ops.conv_block import scaled
from recog.ops.conv_forms import convolve
from recog.ops.transposed_conv import TransposedConv

LAYERS = (
    (256, (2, 8), (2, 1), 1),  # 6 23
    (128, (3, 3), (2, 2), 1),  # 11 45
    (64, (4, 6), (2, 2), 0),  # 24 94
)
"""Channels, kernel, strides and padding of the transposed convolutions; comments give the output sizes.

The article gives the first three; the padding, in PyTorch's sense, is chosen so that the last size is the input's.
"""


class DrawingHead(nn.Module):
    """Three transposed convolutions with ReLU and a 1x1 convolution to one channel.

    Example::

      head = DrawingHead()
      variables = head.init(key, features)  # features: B 4 18 D
      drawing = head.apply(variables, features)  # B 24 94
    """

    width: float = 1.0
    """Factor for the channel counts of the transposed convolutions."""
    dtype: jnp.dtype = jnp.float32
    """Type of the transposed convolutions."""

    @nn.compact
    def __call__(self, features: Float[Array, "B 4 18 D"]) -> Float[Array, "B 24 94"]:
        """Drawing of the label: unbounded float32, for a loss against the label's picture."""
        x = features.astype(self.dtype)
        for number, (channels, kernel, strides, padding) in enumerate(LAYERS, start=1):
            deconv = TransposedConv(
                scaled(channels, self.width), kernel, strides, padding, self.dtype, name=f"deconv{number}"
            )
            x = nn.relu(deconv(x))
        return nn.Conv(1, (1, 1), conv_general_dilated=convolve, name="drawing")(x.astype(jnp.float32))[..., 0]
