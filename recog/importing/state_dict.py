"""Fills a Flax tree from PyTorch's flat state dict; no tensor may be missing, left over or of another shape."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float32

from recog.importing.pickled_tensors import WeightsError

StateDict = Mapping[str, np.ndarray]
"""Tensors by their names in PyTorch."""

SHOWN = 6
"""Maximum names in a message; the rest are counted."""


class Place(NamedTuple):
    """Source of one array of a Flax tree."""

    names: tuple[str, ...]
    """Names of the tensors that it is made of."""
    make: Callable[..., np.ndarray]
    """Makes the array from these tensors, in this order; each may have any shape."""


def same(name: str) -> Place:
    """An unchanged tensor."""
    return Place((name,), lambda x: x)


def convolution(name: str) -> dict[str, Place]:
    """Kernel and bias; the kernel is (out, in, height, width) in PyTorch, (height, width, in, out) here."""
    return {"kernel": Place((f"{name}.weight",), lambda x: x.transpose(2, 3, 1, 0)), "bias": same(f"{name}.bias")}


def linear(name: str) -> dict[str, Place]:
    """Kernel and bias; the kernel is (out, in) in PyTorch, (in, out) here."""
    return {"kernel": Place((f"{name}.weight",), lambda x: x.transpose(1, 0)), "bias": same(f"{name}.bias")}


def batch_norm(name: str) -> dict[str, Place]:
    """Scale and bias, which are parameters."""
    return {"scale": same(f"{name}.weight"), "bias": same(f"{name}.bias")}


def batch_statistics(name: str) -> dict[str, Place]:
    """Running mean and variance."""
    return {"mean": same(f"{name}.running_mean"), "var": same(f"{name}.running_var")}


def fill(places: dict[str, Any], state_dict: StateDict, expected: dict[str, Any], model: str) -> dict[str, Any]:
    """Fills a Flax tree.

    Args:
      places: the tree, with a `Place` at each leaf; no name occurs in two of them.
      state_dict: every tensor of it is used, but for the ``num_batches_tracked`` of batch normalisation, which only
        PyTorch's cumulative averages need.
      expected: the tree, with the shape that the model has at each leaf.
      model: its name, for messages.

    Returns:
      The tree with float32 arrays.

    Raises:
      WeightsError: names the tensors that are missing, unexpected or of a wrong shape.
    """
    used = {name for place in jax.tree.leaves(places, is_leaf=_is_place) for name in place.names}
    given = {name for name in state_dict if not name.endswith(".num_batches_tracked")}
    if missing := used - given:
        raise WeightsError(f"not weights of {model}: {_listed(missing)} missing among {_listed(given) or 'nothing'}")
    if unexpected := given - used:
        raise WeightsError(f"weights of another model than {model}, which has no {_listed(unexpected)}")
    return jax.tree.map(
        lambda place, leaf: _make(place, state_dict, leaf.shape, model), places, expected, is_leaf=_is_place
    )


def size(state_dict: StateDict, name: str, axis: int, model: str) -> int:
    """Size of one axis of a tensor, from which a configuration is told.

    Raises:
      WeightsError: there is no such tensor or axis.
    """
    if name not in state_dict:
        raise WeightsError(f"not weights of {model}: {name} missing among {_listed(state_dict) or 'nothing'}")
    shape = state_dict[name].shape
    if axis >= len(shape) or not shape[axis]:
        raise WeightsError(f"not weights of {model}: {name} has the shape {shape}")
    return shape[axis]


def _is_place(x: Any) -> bool:
    return isinstance(x, Place)


def _make(place: Place, state_dict: StateDict, shape: tuple[int, ...], model: str) -> Float32[np.ndarray, "..."]:
    tensors = [np.asarray(state_dict[name], np.float32) for name in place.names]
    found = " and ".join(f"{name} {tensor.shape}" for name, tensor in zip(place.names, tensors, strict=True))
    try:
        made = np.array(place.make(*tensors), np.float32, order="C")
    except ValueError as error:
        raise WeightsError(f"not weights of {model}: {found} has a wrong number of axes ({error})") from None
    if made.shape != shape:
        raise WeightsError(f"not weights of {model}: {found} gives the shape {made.shape}, the model has {shape}")
    if not np.isfinite(made).all():
        raise WeightsError(f"{found} holds numbers that are not finite: the file is damaged, or its training diverged")
    return made


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(f"{name!r:.80}"[1:-1] for name in sorted(names)[:SHOWN]) + more
