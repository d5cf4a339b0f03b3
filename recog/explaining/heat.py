"""Probabilities of the classes in every frame, as heat maps show them."""

import jax
import numpy as np
from jaxtyping import Array, Float, Float32, Int


def probabilities(logits: Float[Array, "B T K"]) -> Float[Array, "B T K"]:
    """Probabilities of each frame's classes."""
    return jax.nn.softmax(logits.astype("float32"), axis=-1)


def heats_of(
    row: int, heats: dict[str, Float[np.ndarray, "B T K"]], lengths: dict[str, Int[np.ndarray, " B"]]
) -> dict[str, Float32[np.ndarray, "T K"]]:
    """Heat maps of one row by name of the branch, without the frames of padding."""
    return {name: heat[row, : lengths[name][row]] for name, heat in heats.items()}
