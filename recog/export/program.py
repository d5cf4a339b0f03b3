"""Protocol of programs, which predict for an artifact with one runtime or another."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from jaxtyping import Int32, UInt8


class Program(Protocol):
    """Function from a batch of pictures to predictions, with the parameters of a model; safe from many threads."""

    @property
    def outputs(self) -> Mapping[str, tuple[int | None, ...]]:
        """Shape of each output by its name; None for an axis that depends on the pictures."""
        ...

    def __call__(self, images: UInt8[np.ndarray, "B H W C"], sizes: Int32[np.ndarray, "B 2"]) -> dict[str, Any]:
        """Predicts a batch.

        Args:
          images: pictures of the height, the channels and, if fixed, the width of the card, padded with zeros on the
            right and, for letterboxed pictures, at the bottom.
          sizes: height and width of each picture without its padding; zeros for a row without a picture.

        Returns:
          Arrays by name, of NumPy or of the runtime; `numpy.asarray` converts them. A reader of whole texts has the
          fields of `recog.decoded.Decoded` (the best path's), ``logits`` and ``logit_lengths``.
        """
        ...
