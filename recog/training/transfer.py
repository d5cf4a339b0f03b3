"""Initial parameters taken from another run."""

from collections.abc import Mapping, Set
from typing import Any, NamedTuple

import jax
from jaxtyping import Array

from recog.training.state import TrainState

LEARNT = ("params/", "batch_stats/")
"""Path prefixes of values learnt from samples; other collections hold settings, such as the weight of a loss."""

Named = dict[str, Any]
"""Arrays or their shapes by path in the variables: ``params/conv1/kernel``."""


class Transfer(NamedTuple):
    """Arrays that one model can take from another."""

    taken: dict[str, Array]
    """Arrays by path."""
    anew: list[str]
    """Paths of arrays that the other model lacks, or has with another shape or meaning."""


def named_arrays(variables: Mapping[str, Any]) -> Named:
    """Leaves of a tree by path."""
    leaves = jax.tree_util.tree_leaves_with_path(variables)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def transfer(fresh: Mapping[str, Any], trained: Mapping[str, Any], leave: Set[str] = frozenset()) -> Transfer:
    """Selects parameters and batch statistics of ``trained`` with the path and shape of those in ``fresh``.

    Args:
      fresh: variables, or their shapes, of the model to train.
      trained: variables of another model.
      leave: paths of arrays with different meanings in the two, such as those over classes of different alphabets.

    Raises:
      ValueError: no parameter matches.
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
    """Replaces arrays of the state, and of its average, by those taken, with the shardings of the originals.

    Optimizer states stay fresh, because the other run's moments belong to other gradients.
    """

    def choose(path, leaf: jax.Array):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        return jax.device_put(taken[name], leaf.sharding) if name in taken else leaf

    variables = dict(jax.tree_util.tree_map_with_path(choose, state.variables))
    average = jax.tree_util.tree_map_with_path(choose, {"params": state.average})["params"]
    return state.replace(params=variables.pop("params"), model_state=variables, average=average)
