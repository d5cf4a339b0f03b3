"""Emissions that beam searches are compared on, made to look like those of readers."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

KINDS = {"sharp": 1.0, "blurred": 0.4}
"""Factors of the logits: like those of a trained reader, and of one in doubt."""
PEAK = 10.0
"""Logit of the class that a frame shows, among others of standard normal logits."""
DOUBT = (2.0, 9.0)
"""Range of the logit of another token in each frame that shows a token."""


class Shape(NamedTuple):
    """Sizes of a search: pictures, frames, classes with the blank, width of the beam."""

    B: int
    T: int
    K: int
    W: int

    def __str__(self) -> str:
        return "x".join(map(str, self))


SHAPES = (
    Shape(1, 26, 37, 10),
    Shape(32, 26, 37, 10),
    Shape(32, 26, 37, 50),
    Shape(256, 26, 37, 10),
    Shape(32, 18, 68, 10),
    Shape(32, 100, 100, 10),
)
"""Words (one, two batch sizes, a wide beam), license plates, text lines."""


def emissions(shape: Shape, kind: str, seed: int = 0) -> Float[np.ndarray, "B T K"]:
    """Logits of texts of up to a quarter of the frames: a peak of a token a frame, blanks (class 0) between them."""
    rng = np.random.default_rng(seed)
    longest = max(shape.T // 4, 1)
    logits = rng.standard_normal(shape[:3])
    for picture in logits:
        length = rng.integers(max(longest // 2, 1), longest + 1)
        at = rng.choice(shape.T, length, replace=False)
        shown = np.zeros(shape.T, int)
        shown[at] = rng.integers(1, shape.K, length)
        picture[np.arange(shape.T), shown] += PEAK
        picture[at, rng.integers(1, shape.K, length)] += rng.uniform(*DOUBT, length)
    return (KINDS[kind] * logits).astype(np.float32)
