"""Accuracy and time of lexicon search against its edit distance, as Figure 4 of the CRNN paper (Shi et al. 2015)."""

import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from launch.runs.host_decoding import NO_SAMPLE
from recog.codecs import TextCodec
from recog.ctc.lexicon import Lexicon
from recog.ctc.lexicon_search import best_words
from recog.ctc.most_probable import most_probable
from recog.ctc.nearby_words import NearbyWords
from recog.decoded import Decoded

DELTAS = (0, 1, 2, 3, 4, 5)
EXACT = "exact"
FIGURE = "crnn_figure4.png"
ACCURACY, TIME = "#2b6cb0", "#c53030"
"""Colours of the line and of the bars."""


class CrnnFigure4:
    """A `launch.runs.host_decoding.Best` that decodes every picture by all edit distances and exactly, and times it.

    Args:
      codec: codec of the labels.
      lexicon: words, the same ones for all pictures.
    """

    def __init__(self, codec: TextCodec, lexicon: Lexicon):
        self.codec, self._lexicon, self._nearby = codec, lexicon, NearbyWords(lexicon)
        self._held = 0
        self._right: dict[str, int] = dict.fromkeys(map(str, (*DELTAS, EXACT)), 0)
        self._seconds: dict[str, list[float]] = {name: [] for name in self._right}

    def __call__(self, logits: np.ndarray, lengths: np.ndarray, ids: Sequence[int], labels: Sequence[str]) -> Decoded:
        """Exact words of a batch; see `Best`."""
        for row, label in enumerate(labels):
            one, length, label = logits[row], int(lengths[row]), self.codec.learnt(label)
            if ids[row] == NO_SAMPLE:
                continue
            self._held += label in self._lexicon
            for delta in DELTAS:
                self._measure(str(delta), label, functools.partial(self._nearby.read, one, length, delta))
            self._measure(EXACT, label, functools.partial(self._exact, one, length))
        return best_words(logits, lengths, [self._lexicon] * len(labels), 1)

    def further(self) -> dict[str, float]:
        """Share of labels that the lexicon holds, accuracy and mean time in milliseconds by edit distance."""
        accuracies = {f"accuracy_{_named(name)}": self._accuracy(name) for name in self._right}
        held = {"in_lexicon": self._held / max(len(self._seconds[EXACT]), 1)}
        return held | accuracies | {f"ms_{_named(name)}": self._milliseconds(name) for name in self._right}

    def draw(self, folder: Path) -> None:
        """Writes ``crnn_figure4.png``: accuracy as a line, milliseconds a picture as bars."""
        figure = Figure(figsize=(6, 3.6), dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        times, names = figure.subplots(), list(self._right)
        bars = times.bar(names, [self._milliseconds(name) for name in names], color=TIME, alpha=0.6, width=0.5)
        times.bar_label(bars, fmt="%.1f", fontsize=8)
        times.set_xlabel("maximum edit distance δ")
        times.set_ylabel("time of search (ms a picture)", color=TIME)
        rates = times.twinx()
        rates.plot(names, [100 * self._accuracy(name) for name in names], "o-", color=ACCURACY)
        rates.set_ylabel("accuracy (%)", color=ACCURACY)
        rates.set_title(f"{len(self._seconds[EXACT]):,} pictures", fontsize=10)
        figure.savefig(folder / FIGURE)

    def _exact(self, logits: np.ndarray, length: int) -> str:
        found = most_probable(logits[None], np.array([length]), self._lexicon)[0]
        return found[0].text if found else ""

    def _measure(self, name: str, label: str, read: Callable[[], str]) -> None:
        start = time.perf_counter()
        self._right[name] += read() == label
        self._seconds[name].append(time.perf_counter() - start)

    def _accuracy(self, name: str) -> float:
        return self._right[name] / max(len(self._seconds[name]), 1)

    def _milliseconds(self, name: str) -> float:
        return 1e3 * float(np.mean(self._seconds[name] or [0.0]))


def _named(name: str) -> str:
    return name if name == EXACT else f"delta_{name}"
