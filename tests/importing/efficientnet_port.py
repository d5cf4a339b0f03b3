"""EfficientNet-Lite in NumPy and float64, from a state dict in PyTorch's layout, written from its definition."""

import numpy as np

from recog.importing.state_dict import StateDict
from tests.importing.numpy_layers import random_batch_norm, windows

BLOCKS = {
    "lite0": ((1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1)),
    "lite2": ((1, 3, 1), (3, 3, 2), (3, 5, 2), (4, 3, 2), (4, 5, 1), (5, 5, 2), (1, 3, 1)),
    "tiny": ((1, 3, 1), (1, 3, 2), (1, 5, 2), (1, 3, 2), (1, 5, 1), (2, 5, 2), (1, 3, 1)),
}
"""Blocks, kernel and stride of the stages."""
TINY_CHANNELS = (8, 8, 8, 16, 16, 24, 40)
"""Channels of the stages of ``tiny``, which has an eighth of the width."""


def logits(rgb: np.ndarray, weights: StateDict, variant: str) -> np.ndarray:
    """B K of pictures B H W 3 with values 0 to 255."""
    x = ((rgb.astype(np.float64) - 127) / 128).transpose(0, 3, 1, 2)
    x = relu6(normalise(full(x, weights["_conv_stem.weight"], 2), weights, "_bn0"))
    number = 0
    for blocks, _, stride in BLOCKS[variant]:
        for index in range(blocks):
            x = block(x, weights, f"_blocks.{number}.", stride if index == 0 else 1)
            number += 1
    x = relu6(normalise(full(x, weights["_conv_head.weight"], 1), weights, "_bn1"))
    return x.mean(axis=(2, 3)) @ weights["_fc.weight"].T.astype(np.float64) + weights["_fc.bias"]


def block(x: np.ndarray, weights: StateDict, name: str, stride: int) -> np.ndarray:
    y = x
    if f"{name}_expand_conv.weight" in weights:
        y = relu6(normalise(full(y, weights[f"{name}_expand_conv.weight"], 1), weights, f"{name}_bn0"))
    kernel = weights[f"{name}_depthwise_conv.weight"].astype(np.float64)
    seen = windows(same(y, kernel.shape[-1], stride), kernel.shape[2:], (stride, stride))
    y = np.einsum("bcyxij,cij->bcyx", seen, kernel[:, 0], optimize=True)
    y = relu6(normalise(y, weights, f"{name}_bn1"))
    y = normalise(full(y, weights[f"{name}_project_conv.weight"], 1), weights, f"{name}_bn2")
    return x + y if x.shape == y.shape else y


def full(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    seen = windows(same(x, kernel.shape[-1], stride), kernel.shape[2:], (stride, stride))
    return np.tensordot(seen, kernel.astype(np.float64), axes=([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)


def same(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Zeros as TensorFlow's SAME adds them: the larger half at the end."""
    margins = []
    for length in x.shape[2:]:
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        margins.append((total // 2, total - total // 2))
    return np.pad(x, ((0, 0), (0, 0), *margins))


def normalise(x: np.ndarray, weights: StateDict, name: str) -> np.ndarray:
    mean, var, scale, bias = (
        weights[f"{name}.{part}"].astype(np.float64)[:, None, None]
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(var + 1e-3) * scale + bias


def relu6(x: np.ndarray) -> np.ndarray:
    return np.clip(x, 0, 6)


def random_weights(seed: int, classes: int = 1000) -> StateDict:
    """Weights of ``tiny``."""
    random = np.random.default_rng(seed)
    weights: dict[str, np.ndarray] = {}

    def layer(conv: str, norm: str, shape: tuple[int, ...]) -> None:
        spread = np.sqrt(2 / np.prod(shape[1:]))
        weights[f"{conv}.weight"] = random.normal(0, spread, shape).astype(np.float32)
        weights.update(random_batch_norm(random, norm, shape[0]))

    layer("_conv_stem", "_bn0", (32, 3, 3, 3))
    channels, number = 32, 0
    for (blocks, size, _), width in zip(BLOCKS["tiny"], TINY_CHANNELS, strict=True):
        for _ in range(blocks):
            name, inner = f"_blocks.{number}.", channels * (6 if number else 1)
            if number:
                layer(f"{name}_expand_conv", f"{name}_bn0", (inner, channels, 1, 1))
            layer(f"{name}_depthwise_conv", f"{name}_bn1", (inner, 1, size, size))
            layer(f"{name}_project_conv", f"{name}_bn2", (width, inner, 1, 1))
            channels, number = width, number + 1
    layer("_conv_head", "_bn1", (1280, channels, 1, 1))
    weights["_fc.weight"] = random.normal(0, 0.03, (classes, 1280)).astype(np.float32)
    weights["_fc.bias"] = random.normal(0, 0.1, classes).astype(np.float32)
    return weights
