"""Samples with the pixels of others, found by digests: 32 bytes for each sample."""

import hashlib
from array import array
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, UInt64

from datasets.sources import Source

SPELT_OUT = 100
"""Samples of each problem, groups of duplicates, and samples of one group that are named; the rest are counted."""


class Named(NamedTuple):
    """A sample in a list of examples."""

    origin: str
    text: str
    """Its label, or what is wrong with it."""


class Duplicates(NamedTuple):
    """Samples with exactly the pixels of others."""

    same_pixels: int
    """Samples whose pixels an earlier one has."""
    same_file: int
    """Those whose very file an earlier one has."""
    other_label: int
    """Samples in groups of the same pixels whose labels differ: some of these are wrong."""
    groups: list[list[Named]]
    """The first groups, those whose labels differ before the others."""

    def summary(self) -> str:
        """A line for people."""
        if not self.same_pixels:
            return "no picture occurs twice"
        return (
            f"{self.same_pixels:,} repeat an earlier picture, {self.same_file:,} of them its very file; "
            f"{self.other_label:,} share a picture that has several labels"
        )


def digest(content: bytes) -> int:
    """64 bits: that any two of ten million pictures are taken for one has a chance of 3 in a million."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


class Digests:
    """What is kept of each sample until all are seen."""

    def __init__(self):
        self.indices, self._pixels, self._files, self._labels = (array("Q") for _ in range(4))

    def add(self, index: int, pixels: int, file: int, label: int) -> None:
        """Keeps a sample's index in its source and the digests of its pixels, file and label."""
        self.indices.append(index)
        self._pixels.append(pixels)
        self._files.append(file)
        self._labels.append(label)

    def duplicates(self, source: Source) -> Duplicates:
        """What the samples kept, all of this source, have in common."""
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
    """Places of the digests that occur more than once: one increasing array for each, by its first place."""
    order = np.argsort(digests, kind="stable")
    values = digests[order]
    same = values[1:] == values[:-1]
    member = np.zeros(len(order), bool)
    member[1:] |= same
    member[:-1] |= same
    places = order[member]
    starts = np.flatnonzero(np.diff(values[member])) + 1
    return sorted(np.split(places, starts), key=lambda group: int(group[0])) if len(places) else []
