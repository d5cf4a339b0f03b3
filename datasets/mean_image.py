"""Mean picture of samples, which shows the position of the characters in pictures of one size."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float

from datasets.pipeline import DataConfig
from datasets.sources import BadSampleError, Source

ENOUGH = 1000
"""Maximum number of pictures to average, evenly spread over the samples."""


def mean_image(source: Source, indices: Sequence[int] | np.ndarray, config: DataConfig) -> Float[np.ndarray, "H W C"]:
    """Mean pixels, 0 to 255, of up to `ENOUGH` pictures of the configured size; unreadable ones are left out.

    Args:
      source: source of the pictures.
      indices: indices of the samples to use.
      config: height, width, channels and filters.

    Raises:
      ValueError: no fixed width is configured, or no picture can be read.
    """
    if not config.width:
        raise ValueError("a mean picture needs pictures of one size: set data.width")
    places = np.linspace(0, len(indices) - 1, min(ENOUGH, len(indices))).round().astype(int)
    chosen = np.asarray(indices)[places]

    preprocess = config.preprocess

    def load(index: int) -> np.ndarray | None:
        try:
            return preprocess(source[index].image)
        except (BadSampleError, ValueError):
            return None

    total, count = np.zeros((config.height, config.width, config.channels)), 0
    with ThreadPoolExecutor() as pool:
        for pixels in pool.map(load, chosen.tolist()):
            if pixels is not None:
                total, count = total + pixels, count + 1
    if not count:
        raise ValueError("no picture can be read for the mean picture: check the samples")
    return total / count
