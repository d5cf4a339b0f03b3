"""The mean picture of a set whose pictures share one size: where its characters stand shows there."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float

from datasets.pipeline import DataConfig
from datasets.sources import BadSampleError, Source

ENOUGH = 1000
"""Pictures that are averaged at most, evenly spread over the set."""


def mean_image(source: Source, indices: Sequence[int] | np.ndarray, config: DataConfig) -> Float[np.ndarray, "H W C"]:
    """Mean pixels, 0 to 255, of up to 1,000 pictures brought to the configured size; unreadable ones are left out.

    Args:
      source: where the pictures come from.
      indices: which of them to use.
      config: height, width and channels.

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
        raise ValueError("no picture can be read, so there is no mean picture: look at the samples")
    return total / count
