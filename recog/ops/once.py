"""Arrays that are computed once, where XLA would compute them for each of their uses."""

from jax import lax
from jaxtyping import Array


def once(x: Array) -> Array:
    """The same array, which the operations that use it read from memory on CPUs.

    There XLA fuses a normalisation or an activation into all operations that use its results: a convolution computes
    them for each element of its windows, a pooling of overlapping windows up to nine times. Accelerators gain from such
    fusions, and keep them.
    """
    return lax.platform_dependent(x, cpu=lax.optimization_barrier, default=lambda x: x)
