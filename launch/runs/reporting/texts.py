"""Labels and readings of a report as tokens, and their rates."""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from functools import cached_property

import numpy as np
from jaxtyping import Int

from launch.runs.reporting.collecting import Collected
from launch.runs.reporting.rates import Rate
from recog.codecs import TextCodec
from recog.codecs.reading_order import right_to_left
from recog.evaluation.alignment import AlignedCounts, Pair, align


@dataclasses.dataclass(frozen=True)
class Texts:
    """Labels and readings of all samples, token by token in the order in which pictures show them."""

    collected: Collected

    @property
    def codec(self) -> TextCodec:
        """Codec of the reader."""
        codec = self.collected.subject.codec
        assert isinstance(codec, TextCodec)
        return codec

    def _split(self, text: str) -> list[str]:
        return dataclasses.replace(self.codec, strip=False, lower_case=False).split(text)

    @cached_property
    def labels(self) -> list[list[str]]:
        """Tokens of the labels."""
        return [self._split(item.prediction.label) for item in self.collected.items]

    @cached_property
    def readings(self) -> list[list[str]]:
        """Tokens that were read."""
        return [self._split(item.prediction.text) for item in self.collected.items]

    @cached_property
    def pairs(self) -> list[list[Pair]]:
        """Aligned tokens of each label and its reading."""
        return [align(*both) for both in zip(self.labels, self.readings, strict=True)]

    @cached_property
    def aligned(self) -> AlignedCounts:
        """Counts over all aligned tokens."""
        return self.aligned_of(range(len(self.pairs)))

    def aligned_of(self, places: Iterable[int]) -> AlignedCounts:
        """Counts over the aligned tokens of some samples."""
        return AlignedCounts(Counter(pair for place in places for pair in self.pairs[place]))

    @cached_property
    def edits(self) -> Int[np.ndarray, " N"]:
        """Levenshtein distance of each reading and its label."""
        return np.array([sum(label != read for label, read in pairs) for pairs in self.pairs], int)

    @property
    def left_to_right(self) -> bool:
        """Whether tokens in the order of the picture are legible side by side: no script joins or turns them."""
        return not any(right_to_left(item.prediction.label) for item in self.collected.items)

    def rates(self) -> list[Rate]:
        """Rates of readings, the most important first."""
        ones = np.ones(len(self.edits))
        lengths, longest = (
            np.array([choose(map(len, both)) for both in zip(self.labels, self.readings, strict=True)], float)
            for choose in (lambda both: next(iter(both)), max)
        )
        same = np.array([len(a) == len(b) for a, b in zip(self.labels, self.readings, strict=True)], float)
        return [
            Rate(
                "accuracy",
                "read exactly",
                "Pictures read without any mistake; also called LCR or fragment accuracy.",
                (self.edits == 0).astype(float),
                ones,
            ),
            Rate(
                "cer",
                "CER",
                "Character error rate: wrong, missing and added characters per character of the labels.",
                self.edits.astype(float),
                lengths,
            ),
            Rate(
                "one_minus_ned",
                "1-NED",
                "One minus the edit distance relative to the longer of label and reading, averaged.",
                1 - self.edits / np.maximum(longest, 1),
                ones,
            ),
            Rate(
                "mean_edit_distance",
                "mean edit distance",
                "Wrong, missing and added characters per picture.",
                self.edits.astype(float),
                ones,
                lambda value: f"{value:.3f}",
            ),
            Rate("length_consistency", "right length", "Readings as long as their label.", same, ones),
        ]
