"""Initial parameters taken from another run."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
from jaxtyping import Array

from recog.training.class_axes import Entries, MatchedClasses
from recog.training.state import TrainState

LEARNT = ("params/", "batch_stats/")
"""Path prefixes of values learnt from samples; other collections hold settings, such as the weight of a loss."""

Named = dict[str, Any]
"""Arrays or their shapes by path in the variables: ``params/conv1/kernel``."""


Taken = Mapping[str, Array | Entries]
"""Arrays, or some of their entries, by path, that replace those of a fresh model."""


class Transfer(NamedTuple):
    """Arrays that one model can take from another."""

    taken: Taken
    """Arrays by path; entries where the models' classes differ."""
    anew: list[str]
    """Paths of arrays that the other model lacks, or has with another shape or for other classes."""


def named_arrays(variables: Mapping[str, Any]) -> Named:
    """Leaves of a tree by path."""
    leaves = jax.tree_util.tree_leaves_with_path(variables)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def transfer(fresh: Mapping[str, Any], trained: Mapping[str, Any], classes: MatchedClasses | None = None) -> Transfer:
    """Selects parameters and batch statistics of ``trained`` with the path and shape of those in ``fresh``.

    Args:
      fresh: variables, or their shapes, of the model to train.
      trained: variables of another model.
      classes: classes of the two; None if they are the same in the same order.

    Raises:
      ValueError: no parameter matches.
    """
    ours, theirs = named_arrays(fresh), named_arrays(trained)
    learnt = [path for path in ours if path.startswith(LEARNT)]
    matches = {path: _match(path, ours[path].shape, theirs[path], classes) for path in learnt if path in theirs}
    taken = {path: match for path, match in matches.items() if match is not None}
    if not any(path.startswith("params/") for path in taken):
        raise ValueError(f"none of its {len(theirs)} arrays has the name and shape of one of this model's {len(ours)}")
    return Transfer(taken, [path for path in learnt if path not in taken])


def _match(path: str, shape: tuple[int, ...], trained: Array, classes: MatchedClasses | None) -> Array | Entries | None:
    """The part of a trained array that a fresh one of this shape can take; None if there is none."""
    if classes and path in classes.axes:
        return classes.entries(path, shape, trained)
    return trained if trained.shape == shape else None


def start_from(state: TrainState, taken: Taken) -> TrainState:
    """Replaces arrays of the state and of its average, or entries of them, with the shardings of the originals.

    Optimizer states stay fresh, because the other run's moments belong to other gradients.
    """

    def choose(path, leaf: jax.Array):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        if name not in taken:
            return leaf
        new = taken[name]
        return jax.device_put(new.into(leaf) if isinstance(new, Entries) else new, leaf.sharding)

    variables = dict(jax.tree_util.tree_map_with_path(choose, state.variables))
    average = jax.tree_util.tree_map_with_path(choose, {"params": state.average})["params"]
    return state.replace(params=variables.pop("params"), model_state=variables, average=average)
