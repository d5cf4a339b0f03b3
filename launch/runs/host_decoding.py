"""Decoding of evaluation samples on the host: by lexicons, and to lists of the best texts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import jax
import numpy as np

from launch.runs.lexicons import LexiconOf
from recog.cli.predicting_lines import json_line
from recog.codecs import Reading, TextCodec
from recog.ctc import BeamSearch
from recog.ctc.lexicon_search import best_words
from recog.decoded import Decoded

NO_SAMPLE = -1
"""Index of rows without a sample."""


class Best(Protocol):
    """Finds the best texts of evaluation samples."""

    def __call__(self, logits: np.ndarray, lengths: np.ndarray, ids: Sequence[int], labels: Sequence[str]) -> Decoded:
        """Best texts of a batch, ``B N ...``; arguments as in `recog.evaluation.tally.Decode`."""
        ...

    def further(self) -> dict[str, float]:
        """Entries for the report."""
        ...


class HostDecoding:
    """A `recog.evaluation.tally.Decode` that keeps the lists of best texts.

    Args:
      codec: codec of the labels.
      best: finds the texts.
    """

    def __init__(self, codec: TextCodec, best: Best):
        self._codec, self._best = codec, best
        self._lists: dict[int, list[Reading]] = {}
        self.further = best.further

    def __call__(self, logits: np.ndarray, lengths: np.ndarray, ids: Sequence[int], labels: Sequence[str]) -> Decoded:
        """Decodes a batch to the best text of each sample."""
        found = jax.device_get(self._best(logits, lengths, ids, labels))
        self._lists |= zip(ids, self._codec.lists(found._asdict()), strict=True)
        self._lists.pop(NO_SAMPLE, None)
        return Decoded(*(x[:, 0] for x in found))

    def write(self, path: Path, describe: Callable[[int], str]) -> None:
        """Writes a line of JSON for each sample: ``sample`` and ``readings`` with ``text`` and ``confidence``."""
        with path.open("w", encoding="utf-8") as file:
            for index, readings in sorted(self._lists.items()):
                file.write(json_line("sample", describe(index), readings) + "\n")


class BestOfBeam:
    """The best texts of a beam search."""

    def __init__(self, search: BeamSearch, count: int):
        self._best = jax.jit(lambda logits, lengths: search.best(logits, lengths, count))

    def __call__(self, logits: np.ndarray, lengths: np.ndarray, ids: Sequence[int], labels: Sequence[str]) -> Decoded:
        """See `Best`."""
        del ids, labels
        return self._best(logits, lengths)

    def further(self) -> dict[str, float]:
        """See `Best`."""
        return {}


class BestOfLexicons:
    """The best words of each sample's lexicon; counts the labels that their lexicon holds."""

    def __init__(self, codec: TextCodec, lexicon_of: LexiconOf, count: int):
        self._codec, self._lexicon_of, self._count = codec, lexicon_of, count
        self._held: list[bool] = []

    def __call__(self, logits: np.ndarray, lengths: np.ndarray, ids: Sequence[int], labels: Sequence[str]) -> Decoded:
        """See `Best`."""
        given = zip(ids, labels, strict=True)
        lexicons = [None if index == NO_SAMPLE else self._lexicon_of(index, label) for index, label in given]
        held = zip(labels, lexicons, strict=True)
        self._held += [self._codec.learnt(label) in lexicon for label, lexicon in held if lexicon]
        return best_words(logits, lengths, lexicons, self._count)

    def further(self) -> dict[str, float]:
        """Share of the labels that their lexicon holds, which limits the accuracy."""
        return {"in_lexicon": sum(self._held) / max(len(self._held), 1)}
