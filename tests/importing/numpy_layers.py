"""PyTorch's layers in plain NumPy and float64, to hold imported weights against.

Channels come before rows and columns. Parameters are taken from a state dict by the layer's name.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from recog.importing.state_dict import StateDict


def windows(x: np.ndarray, size: tuple[int, int], strides: tuple[int, int]) -> np.ndarray:
    """B C Y X I J: what each window of I rows and J columns sees."""
    return sliding_window_view(x, size, axis=(2, 3))[:, :, :: strides[0], :: strides[1]]


def convolve(x: np.ndarray, weights: StateDict, name: str, padding: tuple[int, int] = (0, 0)) -> np.ndarray:
    weight, bias = weights[f"{name}.weight"].astype(np.float64), weights[f"{name}.bias"]
    down, across = padding
    x = np.pad(x, ((0, 0), (0, 0), (down, down), (across, across)))
    seen = windows(x, weight.shape[2:], (1, 1))
    return np.tensordot(seen, weight, axes=([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2) + bias[:, None, None]


def normalise(x: np.ndarray, weights: StateDict, name: str) -> np.ndarray:
    """Batch normalisation by running statistics."""
    mean, var, scale, bias = (
        weights[f"{name}.{part}"].astype(np.float64)[:, None, None]
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(var + 1e-5) * scale + bias


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def random_convolution(random: np.random.Generator, name: str, shape: tuple[int, int, int, int]) -> StateDict:
    spread = np.sqrt(2 / np.prod(shape[1:]))
    weight, bias = random.normal(0, spread, shape), random.normal(0, 0.1, shape[0])
    return {f"{name}.weight": weight.astype(np.float32), f"{name}.bias": bias.astype(np.float32)}


def random_batch_norm(random: np.random.Generator, name: str, channels: int) -> StateDict:
    ranges = {"weight": (0.5, 1.5), "bias": (-0.5, 0.5), "running_mean": (-0.5, 0.5), "running_var": (0.5, 2)}
    parts = {
        f"{name}.{part}": random.uniform(low, high, channels).astype(np.float32) for part, (low, high) in ranges.items()
    }
    return {**parts, f"{name}.num_batches_tracked": np.array(7)}
