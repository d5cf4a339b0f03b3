"""Runs that train as one program: their arrays get a leading axis; a single run's stay as they are."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Stack(NamedTuple):
    """How the arrays of ``size`` runs are held together.

    One run is no special case to who uses this: stacking it, taking it out and mapping over it change nothing.
    """

    size: int

    def stack(self, trees: Sequence[Any]) -> Any:
        """One tree of arrays with a leading axis, of several alike."""
        (first, *others) = trees
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees) if others else first

    def take(self, tree: Any, place: int) -> Any:
        """The arrays of one run; NumPy or JAX, as they are."""
        if self.size == 1:
            return tree
        arrays = jax.tree.leaves(tree)
        if arrays and isinstance(arrays[0], jax.Array):
            return _take(tree, place)
        return jax.tree.map(lambda leaf: leaf[place], tree)

    def over_runs(self, function: Callable, in_axes: tuple[int | None, ...]) -> Callable:
        """The function of one run as one of all; ``in_axes`` are those of `jax.vmap`."""
        return function if self.size == 1 else jax.vmap(function, in_axes=in_axes)

    def repeat(self, tree: Any) -> Any:
        """The same arrays for each run."""
        if self.size == 1:
            return tree
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (self.size, *leaf.shape)), tree)


ONE = Stack(1)


@jax.jit
def _take(tree: Any, place: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.lax.dynamic_index_in_dim(leaf, place, keepdims=False), tree)
