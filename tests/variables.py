"""Variables of a module at random, without compiling its initialisation."""

import functools
from typing import Any

import flax.linen as nn
import jax
import numpy as np


def abstract_variables(module: nn.Module, *args: Any, **options: Any) -> Any:
    """Shapes and types of what ``module.init(key, *args, **options)`` makes."""
    return jax.eval_shape(functools.partial(module.init, **options), jax.random.key(0), *args)


def random_variables(module: nn.Module, *args: Any, seed: int = 0, **options: Any) -> Any:
    """Variables of ``module.init(key, *args, **options)`` as `random_like` makes them."""
    return random_like(abstract_variables(module, *args, **options), seed)


def random_like(shapes: Any, seed: int = 0) -> Any:
    """Arrays of these shapes with NumPy's random numbers, none of them an initial value.

    Kernels keep the size of what passes through them and a rectifier; all else, vectors and scalars, is positive, so
    that little is dead.
    """
    random = np.random.default_rng(seed)
    return jax.tree_util.tree_map_with_path(lambda path, leaf: _fill(random, path[-1].key, leaf), shapes)


def _fill(random: np.random.Generator, name: str, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
    if name in ("scale", "var"):
        values = random.uniform(0.5, 1.5, leaf.shape)
    elif name == "mean" or name.endswith("bias") or len(leaf.shape) < 2:
        values = random.uniform(0.1, 0.5, leaf.shape)
    else:
        values = random.normal(0, np.sqrt(2 / _inputs(leaf.shape)), leaf.shape)
    return values.astype(leaf.dtype)


def _inputs(shape: tuple[int, ...]) -> int:
    """Inputs of each output of a convolution (Y X C D), a dense layer (C D) or a recurrence (directions C D)."""
    return int(np.prod(shape[:-1])) if len(shape) == 4 else shape[-2]
