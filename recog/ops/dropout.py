"""Dropout with a rate that may be an array, so that models of different rates can train in one program."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

LEVELS = 2**16
"""Resolution of rates, which are rounded to multiples of ``1 / LEVELS``: two draws fit into 32 random bits."""


class Dropout(nn.Module):
    """``nn.Dropout`` with half as many random numbers, which take most of its time.

    Example::

      x = Dropout(0.5)(x, train=train)
    """

    rate: float | Float[Array, ""]
    """Share of the elements to drop, 0 to below 1; a scalar array is an input of the compiled program."""

    @nn.compact
    def __call__(self, x: Float[Array, "... C"], *, train: bool) -> Float[Array, "... C"]:
        """Drops elements in training and scales the others up to keep the mean; otherwise returns ``x``."""
        if not train or (isinstance(self.rate, int | float) and self.rate == 0):
            return x
        keep = jnp.maximum(jnp.round((1.0 - jnp.asarray(self.rate, jnp.float32)) * LEVELS), 1)
        kept = _draw(self.make_rng("dropout"), keep.astype(jnp.uint32), x.shape)
        return jnp.where(kept, x / (keep / LEVELS).astype(x.dtype), 0)


def _draw(key: jax.Array, keep: Array, shape: tuple[int, ...]) -> Bool[Array, "... C"]:
    """True with probability ``keep / LEVELS``, drawn from the lower and the upper 16 bits of each random number."""
    channels = shape[-1]
    numbers = jax.random.bits(key, (*shape[:-1], -(-channels // 2)), jnp.uint32)
    halves = jnp.concatenate([numbers % LEVELS < keep, numbers // LEVELS < keep], axis=-1)
    return halves[..., :channels]
