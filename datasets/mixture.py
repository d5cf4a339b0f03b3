"""Mixture of several sources by weight, such as 70 % rendered pictures and 30 % real ones.

A periodic schedule says which source each sample is drawn from. So sample ``i`` of the mixture is a pure function of
``i``, and any run of consecutive samples holds the sources in their shares, as nearly as whole samples can.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Int64

from datasets.joined import Joined
from datasets.sources import Keyed, Sample, Source, Stored, Subset

LONGEST_PERIOD = 100_000
"""Maximum length of the schedule in samples: enough for weights of five digits."""
LONGEST_EPOCH = 2**27
"""Maximum number of samples of a mixture; the preflight keeps about 20 bytes for each."""


class Mixture:
    """A source that interleaves others, each in its own order from its first sample to its last.

    An epoch is the shortest run in which every sample of every source occurs: the source that is largest relative to
    its share is drawn once, the others are repeated as often as necessary.

    Among the first ``n`` samples, for any ``n``, the number of samples from a source differs from its share of ``n`` by
    less than one. Among any ``n`` consecutive samples it differs by at most one for two sources and by less than two
    for more (one is not possible in general).

    Example:
      >>> source = Mixture([Plates(PlatesConfig()), Folder("plates")], [0.7, 0.3])

    Args:
      sources: sources to mix, at least one; none may be empty.
      weights: positive numbers, one for each source; only their ratios matter.

    Raises:
      ValueError: there are no sources, one is empty, the weights are not one positive number for each source, their
        ratio needs a schedule longer than `LONGEST_PERIOD`, or an epoch has more than `LONGEST_EPOCH` samples.
    """

    def __init__(self, sources: Sequence[Source], weights: Sequence[float | Fraction]):
        self.sources = tuple(sources)
        """The mixed sources."""
        self._sizes = [len(source) for source in self.sources]
        if 0 in self._sizes:
            raise ValueError(f"source {self._sizes.index(0)} of the mixture is empty: leave it out")
        self.counts = whole_ratios(weights, len(self.sources))
        """Samples drawn from each source in one period of the schedule."""
        self._turns = take_turns(self.counts)
        self._own_turns = [np.flatnonzero(self._turns == part) for part in range(len(self.sources))]
        self._length = max(self._first_pass_ends(part) for part in range(len(self.sources)))
        if self._length > LONGEST_EPOCH:
            raise ValueError(
                f"an epoch of the mixture would have {self._length} samples, more than {LONGEST_EPOCH}: "
                "give the largest source a larger weight or fewer samples"
            )

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Sample:
        part, own = self.locate(index)
        return self.sources[part][own]

    def origin(self, index: int) -> str:
        """Origin of the sample in its own source."""
        part, own = self.locate(index)
        return self.sources[part].origin(own)

    def locate(self, index: int) -> tuple[int, int]:
        """Index of the source that sample ``index`` is drawn from, and the sample's index in that source.

        Raises:
          IndexError: the index is outside 0 to ``len - 1``.
        """
        if not 0 <= index < self._length:
            raise IndexError(f"sample {index} of {self._length}: use 0 to {self._length - 1}")
        period, turn = divmod(index, len(self._turns))
        part = int(self._turns[turn])
        drawn = period * self.counts[part] + int(np.searchsorted(self._own_turns[part], turn))
        return part, drawn % self._sizes[part]

    def places(self, part: int) -> Int64[np.ndarray, " N"]:
        """Indices of the mixture that draw from source ``part``; the ``j``-th draws its sample ``j % len(source)``."""
        periods = np.arange(-(-self._length // len(self._turns)))
        places = (periods[:, None] * len(self._turns) + self._own_turns[part]).ravel()
        return places[: np.searchsorted(places, self._length)]

    def _first_pass_ends(self, part: int) -> int:
        """Number of samples of the mixture after which source ``part`` has been drawn once."""
        periods, turn = divmod(self._sizes[part] - 1, self.counts[part])
        return periods * len(self._turns) + int(self._own_turns[part][turn]) + 1


def whole_ratios(weights: Sequence[float | Fraction], sources: int) -> list[int]:
    """Smallest whole numbers in the ratio of the weights, each taken exactly as its decimal digits say.

    Raises:
      ValueError: the weights are not one positive number for each of ``sources``, or the sum of the whole numbers is
        above `LONGEST_PERIOD`.
    """
    if not weights or len(weights) != sources:
        raise ValueError(f"a mixture needs one weight for each source, found {len(weights)} for {sources}")
    if not all(0 < weight < math.inf for weight in weights):
        raise ValueError(f"weights {_spelt(weights)} must be positive numbers")
    exact = [Fraction(str(weight)) for weight in weights]
    scale = math.lcm(*(weight.denominator for weight in exact))
    counts = [int(weight * scale) for weight in exact]
    counts = [count // math.gcd(*counts) for count in counts]
    if sum(counts) > LONGEST_PERIOD:
        raise ValueError(
            f"weights {_spelt(weights)} are {_spelt(counts, ':')} in whole numbers, whose sum is above "
            f"{LONGEST_PERIOD}: round the weights"
        )
    return counts


def take_turns(counts: Sequence[int]) -> Int64[np.ndarray, " N"]:
    """Schedule of one period: the index of the source that each sample is drawn from, ``N`` for counts of sum ``N``.

    With ``M`` sources, no source is ever more than ``1 - 1/(2M - 2)`` samples ahead of its share or behind it, which is
    the smallest possible bound: R. Tijdeman, The chairman assignment problem, Discrete Mathematics 32 (1980).

    Args:
      counts: samples drawn from each source in one period, positive.
    """
    period, slack = sum(counts), max(1, 2 * len(counts) - 2)
    taken, turns = [0] * len(counts), np.zeros(period, np.int64)
    for turn in range(period):
        entitled = [k for k, c in enumerate(counts) if slack * ((turn + 1) * c - taken[k] * period) >= period]
        turns[turn] = chosen = min(entitled, key=lambda k: (slack * (taken[k] + 1) - 1) / counts[k])  # most urgent
        taken[chosen] += 1
    return turns


def split_mixture(mixture: Mixture, split: Callable[[Keyed], tuple[Subset, Subset]]) -> tuple[Mixture, Keyed]:
    """Holds out samples of each source of a mixture that is not rendered, such as a folder beside renderers.

    Args:
      mixture: the mixture to split.
      split: splits one of these sources into training and held-out samples, such as `datasets.holdout.split_holdout`.

    Returns:
      The mixture without the held out samples, with the same ratio of sources, and the held out samples.

    Raises:
      ValueError: all sources are rendered, or one of the others cannot be split.
    """
    halves = {
        part: split(source)
        for part, source in enumerate(mixture.sources)
        if isinstance(source, Keyed) and not (isinstance(source, Stored) and source.rendered)
    }
    if not halves:
        raise ValueError(
            "data.holdout and data.folds hold out stored samples, but all parts of this mixture are rendered: name "
            "validation samples with data.validation"
        )
    sources = [halves[part][0] if part in halves else source for part, source in enumerate(mixture.sources)]
    held = [held for _, held in halves.values()]
    return Mixture(sources, mixture.counts), held[0] if len(held) == 1 else Joined(held)


def _spelt(numbers: Sequence[float | Fraction], between: str = ", ") -> str:
    return between.join(map(str, numbers))
