"""Compiled functions of batches, applied to few rows at a time."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from recog.tasks.task import Variables

ROWS = 16
"""Pictures that are computed at once; it bounds the memory of feature maps and their gradients."""


def in_chunks(function: Callable[[Variables, Any], Any], variables: Variables, arrays: Any) -> Any:
    """Results of a function for all rows as NumPy arrays; it is compiled once.

    Args:
      function: maps variables and arrays like ``arrays``, of fewer rows, to arrays with a leading batch axis.
      variables: variables of a model.
      arrays: NumPy arrays with a leading batch axis of one or more rows. The last chunk is filled up with zeros, which
        is a row without a sample.
    """
    compiled, count = jax.jit(function), jax.tree.leaves(arrays)[0].shape[0]
    rows = min(ROWS, count)
    found = [
        jax.device_get(compiled(variables, jax.tree.map(lambda x, start=start: _rows(x, start, rows), arrays)))
        for start in range(0, count, rows)
    ]
    return jax.tree.map(lambda *parts: np.concatenate(parts)[:count], *found)


def _rows(x: np.ndarray, start: int, rows: int) -> np.ndarray:
    part = x[start : start + rows]
    return np.pad(part, [(0, rows - len(part))] + [(0, 0)] * (x.ndim - 1))
