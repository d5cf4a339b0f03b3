"""The LPRNet of the PyTorch port in plain NumPy, written from its layers' list."""

import numpy as np

from recog.importing.state_dict import StateDict
from tests.importing.numpy_layers import convolve, normalise, random_batch_norm, random_convolution, relu, windows

CONVOLUTIONS = ((0, 64, 3, 3, 3), (16, 256, 64, 1, 4), (20, 0, 256, 13, 1))
"""Place in the backbone, outputs (0: the classes), inputs, rows, columns."""

BLOCKS = ((4, 64, 128), (8, 64, 256), (11, 256, 256))
"""Place in the backbone, inputs, outputs."""


def random_weights(seed: int, classes: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    weights = dict(random_convolution(random, "container.0", (classes, 448 + classes, 1, 1)))
    for at, outputs, inputs, rows, columns in CONVOLUTIONS:
        weights |= random_convolution(random, f"backbone.{at}", (outputs or classes, inputs, rows, columns))
        weights |= random_batch_norm(random, f"backbone.{at + 1}", outputs or classes)
    for at, inputs, outputs in BLOCKS:
        inner = outputs // 4
        for place, shape in (
            (0, (inner, inputs, 1, 1)),
            (2, (inner, inner, 3, 1)),
            (4, (inner, inner, 1, 3)),
            (6, (outputs, inner, 1, 1)),
        ):
            weights |= random_convolution(random, f"backbone.{at}.block.{place}", shape)
        weights |= random_batch_norm(random, f"backbone.{at + 1}", outputs)
    return weights


def logits(weights: StateDict, pixels: np.ndarray) -> np.ndarray:
    """B 18 K, of RGB pixels B 24 94 3 in 0..255: the port reads them as OpenCV has them, in BGR."""

    def stage(x: np.ndarray, at: int) -> np.ndarray:
        return relu(normalise(convolve(x, weights, f"backbone.{at}"), weights, f"backbone.{at + 1}"))

    def block(x: np.ndarray, at: int) -> np.ndarray:
        x = relu(convolve(x, weights, f"backbone.{at}.block.0"))
        x = relu(convolve(x, weights, f"backbone.{at}.block.2", (1, 0)))
        x = relu(convolve(x, weights, f"backbone.{at}.block.4", (0, 1)))
        return relu(normalise(convolve(x, weights, f"backbone.{at}.block.6"), weights, f"backbone.{at + 1}"))

    def pool(x: np.ndarray, channel_stride: int, column_stride: int) -> np.ndarray:
        return windows(x, (3, 3), (1, column_stride)).max((4, 5))[:, ::channel_stride]

    first = stage((pixels[..., ::-1].transpose(0, 3, 1, 2) - 127.5) * 0.0078125, 0)
    second = block(pool(first, 1, 1), 4)
    third = block(block(pool(second, 2, 2), 8), 11)
    fourth = stage(stage(pool(third, 4, 2), 16), 20)
    maps = (
        windows(first, (5, 5), (5, 5)).mean((4, 5)),
        windows(second, (5, 5), (5, 5)).mean((4, 5)),
        windows(third, (4, 10), (4, 2)).mean((4, 5)),
        fourth,
    )
    context = np.concatenate([x / np.mean(x**2) for x in maps], axis=1)
    return convolve(context, weights, "container.0").mean(2).transpose(0, 2, 1)
