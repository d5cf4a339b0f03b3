"""The table of lexicon searches: milliseconds a picture, on the emissions of a trained reader.

The exact search is compared with scoring every word by the CTC loss, which must find the same, and with the CRNN
paper's search within an edit distance of the best path's text.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from datasets.sources import Source
from datasets.specs import open_source
from recog.ctc import Lexicon, ctc_loss
from recog.ctc.lexicon import LexiconError
from recog.ctc.most_probable import find_words
from recog.ctc.nearby_words import NearbyWords
from recog.export.artifact import Artifact
from recog.export.pictures import pad
from recog.serving.named import artifact_folder

PICTURES = 200
"""Maximum number of pictures to read."""
DELTA = 3
"""Maximum edit distance of the paper's search, as in its experiments."""
TURNS = 3
"""Times that each picture is read; the fastest counts."""
SCORED = 20
"""Number of pictures for which every word is scored."""
TOGETHER = 5_000
"""Number of words that are scored together."""
COLUMNS = ("words", "built", "median", "p99", "longest", f"delta {DELTA}", "all words", "agree")


class Emissions(NamedTuple):
    """Logits of a reader for labelled pictures."""

    logits: np.ndarray
    """B T K."""
    lengths: np.ndarray
    labels: list[str]


class LexiconResult(NamedTuple):
    """Measurements of one lexicon; all but the first in milliseconds a picture."""

    built: float
    """Seconds to build the lexicon."""
    exact: np.ndarray
    """Exact search, by picture."""
    nearby: float
    """Median of the search within `DELTA`."""
    scored: float
    """Median of scoring every word."""
    agreement: float
    """Share of the pictures with the same most probable word (probabilities within 1e-4) when every word is scored."""


def load_emissions(artifact: Artifact, source: Source) -> Emissions:
    """Reads pictures with an artifact; raises ``ValueError`` if it has no logits of a whole text."""
    samples = [source[index] for index in range(min(len(source), PICTURES))]
    fitted = [artifact.fit(sample.image) for sample in samples]
    preprocess, widest = artifact.card.preprocess, max(picture.shape[1] for picture in fitted)
    logits, lengths = artifact.logits(*pad(fitted, len(fitted), preprocess.height, preprocess.width or widest))
    texts = [artifact.codec.split(sample.label) for sample in samples]
    separator = artifact.codec.alphabet.separator  # pyright: ignore[reportAttributeAccessIssue]  # logits are of texts
    return Emissions(logits, lengths, [separator.join(text) for text in texts])


def load_words(spec: str, first: Sequence[str], count: int) -> list[str]:
    """Distinct words: the labels of the pictures, then lines of a text file, or labels of a source, up to ``count``.

    Raises:
      LexiconError: there are fewer.
    """
    words = dict.fromkeys(first)
    source = Path(spec).read_text(encoding="utf-8").split("\n") if Path(spec).is_file() else open_source(spec)
    for index in range(len(source)):
        if len(words) >= count:
            return list(words)[:count]
        word = source[index]
        words[word if isinstance(word, str) else word.label] = None
    if len(words) < count:
        raise LexiconError(f"{spec} has {len(words):,} words: name a larger one, or fewer --words")
    return list(words)


def measure(emissions: Emissions, words: Sequence[str], artifact: Artifact) -> LexiconResult:
    """Measures all searches with a lexicon."""
    alphabet = artifact.codec.alphabet  # pyright: ignore[reportAttributeAccessIssue]  # logits are of texts
    start = time.perf_counter()
    lexicon = Lexicon(words, alphabet)
    built = time.perf_counter() - start
    rows = range(len(emissions.labels))
    exact = [_milliseconds(lambda row=row: _find(emissions, row, lexicon)) for row in rows]
    nearby = NearbyWords(lexicon)
    near = [
        _milliseconds(lambda row=row: nearby.read(emissions.logits[row], int(emissions.lengths[row]), DELTA))
        for row in rows
    ]
    score = _scorer(lexicon)
    score(emissions.logits[0], int(emissions.lengths[0]))  # compiles
    scored, same = [], 0
    for row in rows[:SCORED]:
        start = time.perf_counter()
        scores = score(emissions.logits[row], int(emissions.lengths[row]))
        scored.append(1e3 * (time.perf_counter() - start))
        [found] = _find(emissions, row, lexicon)[0]
        same += bool(abs(scores[found.word] - scores.max()) < 1e-4 and abs(found.score - scores.max()) < 1e-3)
    return LexiconResult(built, np.array(exact), float(np.median(near)), float(np.median(scored)), same / len(scored))


def report(artifact: str, data: str, spec: str, counts: Sequence[int]) -> dict[int, LexiconResult]:
    """Measures lexicons of several sizes and prints the table."""
    loaded = Artifact.load(artifact_folder(artifact))
    emissions = load_emissions(loaded, open_source(data))
    batch, frames, classes = emissions.logits.shape
    print(f"{batch} pictures of {data} by {artifact}: {frames} frames, {classes} classes; milliseconds a picture")
    print("".join(title.rjust(11) for title in COLUMNS), flush=True)
    table = {}
    for count in counts:
        result = table[count] = measure(emissions, load_words(spec, emissions.labels, count), loaded)
        median, late, longest = np.percentile(result.exact, [50, 99, 100])
        cells = [f"{count:,}", f"{result.built:.2f} s", *(f"{x:.2f}" for x in (median, late, longest, result.nearby))]
        print(
            "".join(cell.rjust(11) for cell in (*cells, f"{result.scored:.1f}", f"{result.agreement:.0%}")), flush=True
        )
    return table


def _find(emissions: Emissions, row: int, lexicon: Lexicon):
    return find_words(emissions.logits[row : row + 1], emissions.lengths[row : row + 1], lexicon, 1)


def _milliseconds(run: Callable[[], object]) -> float:
    taken = []
    for _ in range(TURNS):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return 1e3 * min(taken)


def _scorer(lexicon: Lexicon) -> Callable[[np.ndarray, int], np.ndarray]:
    """Function that returns the log probability of every word."""
    encoded = [lexicon.alphabet.encode(word) for word in lexicon.words]
    sizes = np.array([len(ids) for ids in encoded], np.int32)
    labels = np.zeros((len(encoded), sizes.max()), np.int32)
    for row, ids in zip(labels, encoded, strict=True):
        row[: len(ids)] = ids
    blank_id, together = lexicon.alphabet.blank_id, min(TOGETHER, len(labels))

    @jax.jit
    def score(logits, length, labels, sizes):
        same = jnp.broadcast_to(logits, (len(labels), *logits.shape)), jnp.full(len(labels), length)
        return -ctc_loss(*same, labels, sizes, blank_id=blank_id)

    def score_all(logits: np.ndarray, length: int) -> np.ndarray:
        starts = [min(start, len(labels) - together) for start in range(0, len(labels), together)]
        scores = np.empty(len(labels), np.float32)
        for start in starts:
            part = slice(start, start + together)
            scores[part] = score(logits, length, labels[part], sizes[part])
        return scores

    return score_all
