"""Named random streams from one seed; no key travels in the training state."""

import zlib

import jax
from jaxtyping import Array, Int


def stream_key(seed: int | Int[Array, ""], name: str, step: int | Int[Array, ""]) -> Array:
    """The key of stream ``name`` at ``step``: the same whenever a run is resumed, and on any number of devices."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode())), step)
