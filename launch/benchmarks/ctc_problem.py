"""Batches that CTC losses are compared on, and their gradients in float64."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from launch.benchmarks.forward_backward import float64_reference


class Shape(NamedTuple):
    """Sizes of a batch: samples, frames, classes with the blank, label slots."""

    B: int
    T: int
    K: int
    L: int

    def __str__(self) -> str:
        return "x".join(map(str, self))


SHAPES = (
    Shape(256, 18, 68, 7),
    Shape(64, 26, 37, 25),
    Shape(256, 26, 37, 25),
    Shape(32, 100, 100, 40),
    Shape(16, 400, 100, 100),
    Shape(64, 32, 7000, 16),
)
"""License plates, words (two batch sizes), text lines, long lines, Chinese text."""


class Problem(NamedTuple):
    """A batch to be scored; the blank is class 0."""

    logits: Float[np.ndarray, "B T K"]
    logit_lengths: Int[np.ndarray, " B"]
    labels: Int[np.ndarray, "B L"]
    label_lengths: Int[np.ndarray, " B"]


def problem(shape: Shape, seed: int = 0) -> Problem:
    """Standard normal logits on all frames, and labels of ``L`` tokens, cut where their repeats need more frames."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal(shape[:3]).astype(np.float32)
    labels = rng.integers(1, shape.K, (shape.B, shape.L)).astype(np.int32)
    repeats = np.cumsum(labels[:, 1:] == labels[:, :-1], axis=1)
    frames_needed = np.arange(1, shape.L + 1) + np.pad(repeats, ((0, 0), (1, 0)))
    label_lengths = np.asarray(np.sum(frames_needed <= shape.T, axis=1), np.int32)
    return Problem(logits, np.full(shape.B, shape.T, np.int32), labels, label_lengths)


def reference_gradient(case: Problem) -> Float[np.ndarray, "B T K"]:
    """Gradient of the sum of the losses in float64."""
    gradient = np.zeros(case.logits.shape)
    for b, (frames, tokens) in enumerate(zip(case.logit_lengths, case.label_lengths, strict=True)):
        gradient[b, :frames] = float64_reference(case.logits[b, :frames], case.labels[b, :tokens])[1]
    return gradient
