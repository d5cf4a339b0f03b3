"""Stacked arrays of runs that train as one program; those of a single run have no additional axis."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Stack(NamedTuple):
    """Layout of the arrays of ``size`` runs: a leading axis over the runs, or none for a single run.

    Callers need not distinguish these cases: for a single run, all methods return their input unchanged.
    """

    size: int

    def stack(self, trees: Sequence[Any]) -> Any:
        """Stacks trees of equal structure, one for each run."""
        (first, *others) = trees
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees) if others else first

    def take(self, tree: Any, place: int) -> Any:
        """Arrays of one run; NumPy arrays stay NumPy arrays."""
        if self.size == 1:
            return tree
        arrays = jax.tree.leaves(tree)
        if arrays and isinstance(arrays[0], jax.Array):
            return _take(tree, place)
        return jax.tree.map(lambda leaf: leaf[place], tree)

    def over_runs(self, function: Callable, in_axes: tuple[int | None, ...]) -> Callable:
        """Maps a function of one run over all runs; ``in_axes`` as in `jax.vmap`."""
        return function if self.size == 1 else jax.vmap(function, in_axes=in_axes)

    def repeat(self, tree: Any) -> Any:
        """Repeats arrays for each run."""
        if self.size == 1:
            return tree
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (self.size, *leaf.shape)), tree)


ONE = Stack(1)


@jax.jit
def _take(tree: Any, place: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.lax.dynamic_index_in_dim(leaf, place, keepdims=False), tree)
