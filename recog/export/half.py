"""Kernels in half precision, which halve the size of an artifact's parameters."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import jax
import numpy as np

if TYPE_CHECKING:  # artifacts are loaded without the code that trains
    from recog.tasks.task import Variables


def rounded(variables: "Variables") -> "Variables":
    """Variables whose kernels hold values of half precision, in float32.

    Biases and statistics stay exact: they are few, and a variance may be smaller than half precision can represent.

    Raises:
      ValueError: a value is too large for half precision.
    """
    return jax.tree_util.tree_map_with_path(_round, variables)


def in_half(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays to store: kernels of `rounded` variables in float16, which loses nothing, the others as they are."""
    return {name: array.astype(np.float16) if is_kernel(array) else array for name, array in parameters.items()}


def in_single(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays as programs take them: those in float16 in float32."""
    halves = {name: array.astype(np.float32) for name, array in parameters.items() if array.dtype == np.float16}
    return {**parameters, **halves}


def is_kernel(array: np.ndarray | jax.Array) -> bool:
    """Whether an array is stored in half precision: a float32 array of two or more axes."""
    return array.ndim >= 2 and array.dtype == np.float32


def _round(path: tuple, array: np.ndarray | jax.Array) -> np.ndarray | jax.Array:
    if not is_kernel(array):
        return array
    with np.errstate(over="ignore"):
        half = np.asarray(array).astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(
            f"{jax.tree_util.keystr(path)} holds values up to {np.max(np.abs(array)):.3g}, more than float16 can "
            "represent: export with --parameters=float32"
        )
    return half.astype(np.float32)
