"""Dropout whose rate may be an array, so that models of different rates can train in one program."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Dropout(nn.Module):
    """What ``nn.Dropout`` computes, with the same random numbers.

    Example::

      x = Dropout(0.5)(x, train=train)
    """

    rate: float | Float[Array, ""]
    """Share of the elements to drop, below 1; a scalar array has it found out when the program runs."""

    @nn.compact
    def __call__(self, x: Float[Array, "..."], *, train: bool) -> Float[Array, "..."]:
        """While training, drops elements and scales the others up, so that the mean stays; else changes nothing."""
        if not train or (isinstance(self.rate, int | float) and self.rate == 0):
            return x
        keep = 1.0 - self.rate
        kept = jax.random.bernoulli(self.make_rng("dropout"), keep, x.shape)
        return jnp.where(kept, x / jnp.asarray(keep, x.dtype), 0)
