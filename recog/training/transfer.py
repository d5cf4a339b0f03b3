"""Parameters of another run as the ones to start from."""

from collections.abc import Mapping, Set
from typing import Any, NamedTuple

import jax
from jaxtyping import Array

from recog.training.state import TrainState

LEARNT = ("params/", "batch_stats/")
"""Where what was learnt from samples stands; other collections hold settings, such as the weight of a loss."""

Named = dict[str, Any]
"""Arrays, or shapes of arrays, by the path of each below the variables: ``params/conv1/kernel``."""


class Transfer(NamedTuple):
    """What one model can take over from another."""

    taken: dict[str, Array]
    """Arrays by path."""
    anew: list[str]
    """Paths of those that the other lacks, has in another shape, or has for another purpose."""


def named_arrays(variables: Mapping[str, Any]) -> Named:
    """The leaves of a tree by their paths."""
    leaves = jax.tree_util.tree_leaves_with_path(variables)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def transfer(fresh: Mapping[str, Any], trained: Mapping[str, Any], leave: Set[str] = frozenset()) -> Transfer:
    """Parameters and batch statistics of ``trained`` variables for the ``fresh`` ones of the same path and shape.

    Args:
      fresh: variables, or their shapes, of the model to train.
      trained: variables of another.
      leave: paths that mean something else in the two, such as the classes of different alphabets.

    Raises:
      ValueError: there is nothing to take.
    """
    ours, theirs = named_arrays(fresh), named_arrays(trained)
    taken = {
        path: theirs[path]
        for path, array in ours.items()
        if path.startswith(LEARNT) and path in theirs and theirs[path].shape == array.shape and path not in leave
    }
    if not any(path.startswith("params/") for path in taken):
        raise ValueError(f"none of its {len(theirs)} arrays has the name and shape of one of this model's {len(ours)}")
    return Transfer(taken, [path for path in ours if path.startswith(LEARNT) and path not in taken])


def start_from(state: TrainState, taken: Mapping[str, Array]) -> TrainState:
    """The state with these arrays, each placed on the devices of the one whose place it takes.

    Optimizers start afresh: their moments are those of other gradients.
    """

    def choose(path, leaf: jax.Array):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        return jax.device_put(taken[name], leaf.sharding) if name in taken else leaf

    variables = dict(jax.tree_util.tree_map_with_path(choose, state.variables))
    return state.replace(params=variables.pop("params"), model_state=variables)
