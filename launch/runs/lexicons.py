"""Lexicons of evaluation samples, from ``--lexicon``."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from datasets.lexicons import words_of
from launch.runs.data import Samples
from recog.cli.lexicon_file import load_lexicon
from recog.codecs import TextCodec
from recog.ctc.lexicon import Lexicon, LexiconError

FULL = "full"
"""Name of the lexicon of all labels of the evaluated samples, as in ICDAR 2003's "Full"."""
LexiconOf = Callable[[int, str], Lexicon]
"""Lexicon of a sample, by its index in the source and its label."""


def open_lexicons(spec: str, codec: TextCodec, samples: Samples) -> LexiconOf:
    """Opens the lexicons of samples.

    Args:
      spec: a file with one word a line, for all samples; ``full`` for the labels of all samples; one of these with
        ``:50`` for the label of each sample and 49 other words of it, drawn at random and always the same; or
        the name of the lexicons that a prepared set holds for its samples, such as ``lexicon_50``.
      codec: codec of the labels.
      samples: samples to evaluate.

    Raises:
      LexiconError: the file is malformed, or has no word over the alphabet.
      FileNotFoundError: neither a file nor another lexicon.
      ValueError: the samples have no lexicons of this name.
    """
    if Path(spec).is_file() or spec == FULL:
        lexicon = load_lexicon(spec, codec) if spec != FULL else Lexicon(_labels(codec, samples), codec.alphabet)
        return lambda index, label: lexicon
    pool, colon, count = spec.rpartition(":")
    if colon and count.isdecimal():
        return _drawn(pool, int(count), codec, samples)
    if "." in spec or "/" in spec:
        raise FileNotFoundError(f"--lexicon={spec}: no such file")
    words_of(samples.source, int(samples.checked.indices[0]), spec)  # before a long computation
    return lambda index, label: _named(words_of(samples.source, index, spec), codec, samples.describe(index))


def _labels(codec: TextCodec, samples: Samples) -> list[str]:
    return [codec.learnt(samples.source[index].label) for index in samples.checked.indices.tolist()]


def _named(words: Sequence[str], codec: TextCodec, origin: str) -> Lexicon:
    try:
        return Lexicon([codec.learnt(word) for word in words], codec.alphabet)
    except LexiconError as error:
        raise LexiconError(f"{origin}: {error}") from None


def _drawn(pool: str, count: int, codec: TextCodec, samples: Samples) -> LexiconOf:
    """Lexicons of each sample's label and of other words, in the protocol of IIIT5K, SVT and ICDAR 2003."""
    words = sorted(set(_labels(codec, samples)) if pool == FULL else set(load_lexicon(pool, codec).words))
    if not 1 <= count <= len(words):
        raise ValueError(f"--lexicon={pool}:{count}: choose 1 to {len(words):,}, the number of words of {pool}")

    def lexicon_of(index: int, label: str) -> Lexicon:
        label = codec.learnt(label)
        drawn = np.random.default_rng(index).choice(len(words), count, replace=False)
        others = [words[n] for n in drawn if words[n] != label]
        return Lexicon(sorted([label, *others[: count - 1]]), codec.alphabet)

    return lexicon_of
