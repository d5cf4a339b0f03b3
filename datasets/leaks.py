"""Pictures that are both trained on and held out, found by the digests of two preflights."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt64

from datasets.preflight import Pictures
from datasets.sources import Source


class Leaks(NamedTuple):
    """Held-out samples whose picture is trained on."""

    samples: int
    """Number of held-out samples with the pixels of a training sample."""
    same_file: int
    """Number of those whose file equals the training sample's byte for byte."""
    looked_at: int
    """Number of held-out samples compared."""
    held_out: str
    """Origin of the first of them."""
    trained_on: str
    """Origin of a training sample with its picture."""

    def summary(self) -> str:
        """One line with the count, two names and the mend."""
        return (
            f"{self.samples:,} of {self.looked_at:,} validation samples show a picture that is trained on "
            f"({self.same_file:,} byte for byte), such as {self.held_out}, which is {self.trained_on}: their accuracy "
            "says nothing about new pictures. Hold copies out together (--config.data.holdout_by=REGEX) or remove them"
        )


def find_leaks(training: tuple[Source, Pictures], validation: tuple[Source, Pictures]) -> Leaks | None:
    """Compares the pictures of two sources, each with the digests of its preflight; None if they share none.

    Of rendered sources, the samples that the preflight has rendered are compared.
    """
    (source, trained), (held_source, held) = training, validation
    leaking = seen_in(held, trained)
    if not leaking.any():
        return None
    first = int(np.flatnonzero(leaking)[0])
    twin = int(np.flatnonzero(trained.pixels == held.pixels[first])[0])
    return Leaks(
        samples=int(leaking.sum()),
        same_file=int(_among(held.files, trained.files).sum()),
        looked_at=len(held.pixels),
        held_out=held_source.origin(int(held.indices[first])),
        trained_on=source.origin(int(trained.indices[twin])),
    )


def seen_in(pictures: Pictures, others: Pictures) -> Bool[np.ndarray, " N"]:
    """Whether each of some pictures has the pixels of one of the others; both decoded by the same preprocessing."""
    return _among(pictures.pixels, others.pixels)


def _among(digests: UInt64[np.ndarray, " N"], others: UInt64[np.ndarray, " M"]) -> Bool[np.ndarray, " N"]:
    """Whether each digest is one of the others; ``np.isin`` takes four copies of these."""
    if not len(others):
        return np.zeros(len(digests), bool)
    ordered = np.sort(others)
    places = np.searchsorted(ordered, digests)
    return ordered[np.minimum(places, len(ordered) - 1)] == digests
