"""Lexicons that data sets hold for each of their pictures, as public word sets do."""

from typing import Protocol, runtime_checkable

from datasets.mixture import Mixture
from datasets.sources import Source, Subset


@runtime_checkable
class WithLexicons(Source, Protocol):
    """A source with a word list for each sample."""

    def words(self, index: int, feature: str) -> list[str]:
        """Lexicon of sample ``index``; raises ``ValueError`` if the source has none of this name."""
        ...


def words_of(source: Source, index: int, feature: str) -> list[str]:
    """Lexicon of a sample, also in subsets and mixtures of sources.

    Args:
      source: source of the sample.
      index: index of the sample.
      feature: name of the lexicon in the prepared set, such as ``lexicon_50`` or ``lexicon_1k``.

    Raises:
      ValueError: the sample has no such lexicon.
    """
    while isinstance(source, Subset | Mixture):
        if isinstance(source, Subset):
            source, index = source.source, int(source.indices[index])
        else:
            part, index = source.locate(index)
            source = source.sources[part]
    if not isinstance(source, WithLexicons):
        raise ValueError(f"{source.origin(index)} has no lexicon {feature!r}: only prepared sets (tfds:...) have some")
    return source.words(index, feature)
