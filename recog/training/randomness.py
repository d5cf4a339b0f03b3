"""Named random streams derived from one seed, without keys in the training state."""

import zlib

import jax
from jaxtyping import Array, Int


def stream_key(seed: int | Int[Array, ""], name: str, step: int | Int[Array, ""]) -> Array:
    """Key of stream ``name`` at ``step``; independent of interruptions and of the number of devices."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode())), step)
