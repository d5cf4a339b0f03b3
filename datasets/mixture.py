"""Several sources mixed by weight into one, such as 70 % rendered pictures and 30 % real ones.

The sources take turns by a schedule that repeats, so sample ``i`` of the mixture is a pure function of ``i``, and every
run of samples holds the sources in their shares, as nearly as whole samples can.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Int64

from datasets.sources import Keyed, Sample, Source, Subset, split_holdout

LONGEST_PERIOD = 100_000
"""Turns after which the schedule must repeat: enough for weights of five digits."""
LONGEST_EPOCH = 2**27
"""Samples of a mixture; a preflight keeps some 20 bytes of each."""


class Mixture:
    """A source that draws from others in turn, each in its own order from its first sample to its last.

    An epoch is the shortest run in which every sample of every source occurs: the source that is largest for its share
    is gone through once, the others start again from their first sample as often as that takes.

    Among the first ``n`` samples, for any ``n``, each source's number is within one of its share of ``n``. So it is
    among any ``n`` successive samples of two sources; of more, it is within two (one is not possible in general).

    Example:
      >>> source = Mixture([Plates(PlatesConfig()), Folder("plates")], [0.7, 0.3])

    Args:
      sources: what to mix; none is empty.
      weights: a positive number for each; only their ratios matter.

    Raises:
      ValueError: no source, an empty one, weights that are not one positive number a source or not simple enough
        ratios, or an epoch of more than `LONGEST_EPOCH` samples.
    """

    def __init__(self, sources: Sequence[Source], weights: Sequence[float | Fraction]):
        self.sources = tuple(sources)
        """What is mixed."""
        self._sizes = [len(source) for source in self.sources]
        if 0 in self._sizes:
            raise ValueError(f"source {self._sizes.index(0)} of the mixture holds no sample: leave it out")
        self.counts = whole_ratios(weights, len(self.sources))
        """Turns of each source in one period of the schedule."""
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
        """What the sample's source says of it."""
        part, own = self.locate(index)
        return self.sources[part].origin(own)

    def locate(self, index: int) -> tuple[int, int]:
        """The number of the source that sample ``index`` is drawn from, and the sample's index there.

        Raises:
          IndexError: outside 0 to ``len - 1``.
        """
        if not 0 <= index < self._length:
            raise IndexError(f"sample {index} of {self._length}")
        period, turn = divmod(index, len(self._turns))
        part = int(self._turns[turn])
        drawn = period * self.counts[part] + int(np.searchsorted(self._own_turns[part], turn))
        return part, drawn % self._sizes[part]

    def places(self, part: int) -> Int64[np.ndarray, " N"]:
        """Where in the mixture a source has its turns; the ``j``-th draws its sample ``j % len(source)``."""
        periods = np.arange(-(-self._length // len(self._turns)))
        places = (periods[:, None] * len(self._turns) + self._own_turns[part]).ravel()
        return places[: np.searchsorted(places, self._length)]

    def _first_pass_ends(self, part: int) -> int:
        """Length of the mixture at which a source has been gone through once."""
        periods, turn = divmod(self._sizes[part] - 1, self.counts[part])
        return periods * len(self._turns) + int(self._own_turns[part][turn]) + 1


def whole_ratios(weights: Sequence[float | Fraction], sources: int) -> list[int]:
    """The smallest whole numbers in the ratio of the weights, taken at their decimal digits.

    Raises:
      ValueError: not one positive number for each of ``sources``, or the ratio takes numbers of a sum above
        `LONGEST_PERIOD`.
    """
    if not weights or len(weights) != sources:
        raise ValueError(f"a mixture needs one weight a source: there are {len(weights)} for {sources}")
    if not all(0 < weight < math.inf for weight in weights):
        raise ValueError(f"weights {_spelt(weights)} must be positive numbers")
    exact = [Fraction(str(weight)) for weight in weights]
    scale = math.lcm(*(weight.denominator for weight in exact))
    counts = [int(weight * scale) for weight in exact]
    counts = [count // math.gcd(*counts) for count in counts]
    if sum(counts) > LONGEST_PERIOD:
        raise ValueError(f"weights {_spelt(weights)} are {_spelt(counts, ':')} in whole numbers: round them")
    return counts


def take_turns(counts: Sequence[int]) -> Int64[np.ndarray, " N"]:
    """Whose turn it is, through one period in which each source has its count of turns.

    With ``K`` sources, no source is ever more than ``1 - 1/(2K - 2)`` turns ahead of its share or behind it, the least
    that can be promised: R. Tijdeman, The chairman assignment problem, Discrete Mathematics 32 (1980).

    Args:
      counts: positive whole numbers, the sources' turns.
    """
    period, slack = sum(counts), max(1, 2 * len(counts) - 2)
    taken, turns = [0] * len(counts), np.zeros(period, np.int64)
    for turn in range(period):
        entitled = [k for k, c in enumerate(counts) if slack * ((turn + 1) * c - taken[k] * period) >= period]
        turns[turn] = chosen = min(entitled, key=lambda k: (slack * (taken[k] + 1) - 1) / counts[k])  # most urgent
        taken[chosen] += 1
    return turns


def split_mixture(mixture: Mixture, share: float, by: str = "") -> tuple[Mixture, Subset]:
    """Holds samples out of the one source of a mixture whose samples have names, such as a folder beside renderers.

    Args:
      mixture: the whole.
      share: see `split_holdout`, as ``by``.
      by: regular expression.

    Returns:
      The mixture without these samples, in the same shares, and the samples.

    Raises:
      ValueError: several sources or none could be meant, or `split_holdout` refuses.
    """
    named = {part: source for part, source in enumerate(mixture.sources) if isinstance(source, Keyed)}
    if len(named) != 1:
        raise ValueError(
            f"data.holdout is taken from the one part of a mixture that is not rendered, and there are {len(named)}: "
            "name validation samples with data.validation"
        )
    ((part, source),) = named.items()
    kept, held = split_holdout(source, share, by)
    sources = (*mixture.sources[:part], kept, *mixture.sources[part + 1 :])
    return Mixture(sources, mixture.counts), held


def _spelt(numbers: Sequence[float | Fraction], between: str = ", ") -> str:
    return between.join(map(str, numbers))
