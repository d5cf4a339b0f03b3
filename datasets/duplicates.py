"""Duplicate pictures, found by digests of pixels, files and labels that take 32 bytes a sample."""

import hashlib
from array import array
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, UInt64

from datasets.sources import Source

SPELT_OUT = 100
"""Maximum number of samples listed per problem, of groups of duplicates, and of samples per group."""


class Named(NamedTuple):
    """A sample in a list of examples."""

    origin: str
    text: str
    """Label of the sample, or the problem with it."""


class Duplicates(NamedTuple):
    """Counts and examples of samples that have exactly the pixels of another sample."""

    same_pixels: int
    """Number of samples whose pixels equal those of an earlier sample."""
    same_file: int
    """Number of samples whose file is byte for byte that of an earlier sample."""
    other_label: int
    """Number of samples in groups of equal pixels with different labels, some of which must be wrong."""
    groups: list[list[Named]]
    """The first `SPELT_OUT` groups; groups with different labels come first."""

    def summary(self) -> str:
        """One line for the report."""
        if not self.same_pixels:
            return "no picture occurs twice"
        one, other, *_ = self.groups[0]
        return (
            f"{self.same_pixels:,} repeat an earlier picture, {self.same_file:,} of them byte for byte; "
            f"{self.other_label:,} share a picture that has several labels, such as {one.origin} and {other.origin}. "
            "Hold copies out together: data.holdout_by"
        )


def digest(content: bytes) -> int:
    """BLAKE2b digest of 64 bits; among ten million pictures, the probability of a collision is 3 in a million."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


class Digests:
    """Digests collected sample by sample, from which duplicates are found at the end."""

    def __init__(self):
        self.indices, self._pixels, self._files, self._labels = (array("Q") for _ in range(4))

    def add(self, index: int, pixels: int, file: int, label: int) -> None:
        """Adds a sample: its index in the source and the digests of its pixels, file and label."""
        self.indices.append(index)
        self._pixels.append(pixels)
        self._files.append(file)
        self._labels.append(label)

    def duplicates(self, source: Source) -> Duplicates:
        """Duplicates among the added samples, all of which belong to this source."""
        pixels, files, labels = (np.asarray(kept, np.uint64) for kept in (self._pixels, self._files, self._labels))
        groups = repeated(pixels)
        differing = [group for group in groups if len(np.unique(labels[group])) > 1]
        agreeing = [group for group in groups if len(np.unique(labels[group])) == 1]

        def name(place: int) -> Named:
            index = self.indices[place]
            return Named(source.origin(index), str(source[index].label))

        return Duplicates(
            same_pixels=sum(len(group) - 1 for group in groups),
            same_file=sum(len(group) - 1 for group in repeated(files)),
            other_label=sum(map(len, differing)),
            groups=[[name(p) for p in group[:SPELT_OUT].tolist()] for group in (differing + agreeing)[:SPELT_OUT]],
        )


def repeated(digests: UInt64[np.ndarray, " N"]) -> list[Int64[np.ndarray, " M"]]:
    """Positions of each digest that occurs more than once: increasing arrays, sorted by their first position."""
    order = np.argsort(digests, kind="stable")
    values = digests[order]
    same = values[1:] == values[:-1]
    member = np.zeros(len(order), bool)
    member[1:] |= same
    member[:-1] |= same
    places = order[member]
    starts = np.flatnonzero(np.diff(values[member])) + 1
    return sorted(np.split(places, starts), key=lambda group: int(group[0])) if len(places) else []
