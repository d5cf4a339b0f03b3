"""Convolution and its gradients as sums over the window, in float64: a reference for every form of it."""

import numpy as np

Margins = tuple[tuple[int, int], tuple[int, int]]


def convolve(images, kernel, margins: Margins, strides: tuple[int, int] = (1, 1)) -> np.ndarray:
    """B P Q D; negative margins cut off."""
    padded, kernel = _pad(np.asarray(images, np.float64), margins), np.asarray(kernel, np.float64)
    return np.sum([padded[place] @ matrix for place, matrix in _places(padded, kernel, strides)], axis=0)


def gradients(images, kernel, gradient, margins: Margins, strides: tuple[int, int] = (1, 1)):
    """For images and kernel, of what has this gradient by the results."""
    images, kernel, gradient = (np.asarray(x, np.float64) for x in (images, kernel, gradient))
    padded, for_kernel = _pad(images, margins), []
    for_padded = np.zeros_like(padded)
    for place, matrix in _places(padded, kernel, strides):
        for_padded[place] += gradient @ matrix.T
        for_kernel.append(np.tensordot(padded[place], gradient, ([0, 1, 2], [0, 1, 2])))
    for_images = _pad(for_padded, tuple((-before, -after) for before, after in margins))
    return for_images, np.reshape(for_kernel, kernel.shape)


def _places(padded: np.ndarray, kernel: np.ndarray, strides: tuple[int, int]):
    """By place of the kernel, what it sees and its matrix."""
    (height, width), (down, right) = kernel.shape[:2], strides
    rows, columns = (max(0, length - size + 1) for length, size in zip(padded.shape[1:3], (height, width), strict=True))
    for y, x in np.ndindex(height, width):
        yield np.s_[:, y : y + rows : down, x : x + columns : right], kernel[y, x]


def _pad(x: np.ndarray, margins) -> np.ndarray:
    zeros = [(0, 0), *((max(0, before), max(0, after)) for before, after in margins), (0, 0)]
    rows, columns = (
        slice(max(0, -before), length + max(0, before) + max(0, after) - max(0, -after))
        for length, (before, after) in zip(x.shape[1:3], margins, strict=True)
    )
    return np.pad(x, zeros)[:, rows, columns]
