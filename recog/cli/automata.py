"""Automata of decoders, from flags."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path

from recog.alphabet import Alphabet
from recog.codecs import TextCodec
from recog.ctc.arpa import load_arpa
from recog.ctc.automaton import IMPOSSIBLE, Automaton, allow
from recog.ctc.hotwords import WEIGHT, hotwords_automaton
from recog.ctc.named_patterns import NAMED
from recog.ctc.ngram_automaton import ALPHA, BETA, ngram_automaton
from recog.ctc.pattern import compile_pattern

SHOWN = 5
"""Maximum number of tokens to name."""


def make_automaton(
    codec: TextCodec,
    *,
    pattern: str = "",
    allowed: str = "",
    hotwords: str = "",
    ngram: str = "",
    alpha: float | None = None,
    beta: float | None = None,
) -> Automaton | None:
    """Builds the product of all that is given; None if nothing is.

    Args:
      codec: codec of the texts; what is given is folded as labels are.
      pattern: regular expression, or the name of one.
      allowed: tokens that texts may consist of.
      hotwords: words and their weights; see `parse_hotwords`.
      ngram: ARPA file.
      alpha: weight of the n-gram model; None takes `ALPHA`.
      beta: log weight of each token with an n-gram model; None takes `BETA`.

    Raises:
      ValueError: something does not fit the codec, too much is combined, or no text fits all of it.
      OSError: the file cannot be read.
    """
    alphabet = codec.alphabet
    builders: list[Callable[[], Automaton]] = []  # the smallest first
    if allowed:
        builders.append(lambda: _allow(codec.learnt(allowed), alphabet))
    if pattern:
        builders.append(lambda: _pattern(NAMED.get(pattern, pattern), codec))
    if hotwords:
        weights = {codec.learnt(word): weight for word, weight in parse_hotwords(hotwords).items()}
        builders.append(lambda: hotwords_automaton(weights, alphabet))
    if ngram:
        builders.append(
            lambda: _ngram(ngram, alphabet, ALPHA if alpha is None else alpha, BETA if beta is None else beta)
        )
    if not builders:
        return None
    automaton = functools.reduce(Automaton.product, (build() for build in builders))
    if automaton.frames_needed()[0, alphabet.blank_id] == IMPOSSIBLE:
        raise ValueError("no text fits --pattern, --allow, --hotwords and --ngram together: loosen one of them")
    return automaton


def parse_hotwords(text: str) -> dict[str, float]:
    """Parses ``TOTAL:2,CASH``: words separated by commas, with their weights after the last colon.

    A word with a colon needs a weight: ``12:30:5``. White space around words is ignored.

    Raises:
      ValueError: a word is empty or given twice, or a weight is not a number.
    """
    weights: dict[str, float] = {}
    for item in text.split(","):
        word, colon, weight = item.rpartition(":")
        word = (word if colon else item).strip()
        if not word:
            raise ValueError(f"--hotwords={text!r} has an empty word: write WORD:WEIGHT,WORD:WEIGHT")
        if word in weights:
            raise ValueError(f"--hotwords={text!r} has {word!r} twice: leave one out")
        try:
            weights[word] = float(weight) if colon else WEIGHT
        except ValueError:
            raise ValueError(
                f"--hotwords={text!r} has {weight!r} for a weight: write a number after the last colon, "
                f"{item.strip()}:5"
            ) from None
    return weights


def _pattern(pattern: str, codec: TextCodec) -> Automaton:
    if codec.reading_order == "visual":
        raise ValueError("patterns go from left to right, but this reader's texts are right-to-left: use a lexicon")
    return compile_pattern(pattern.lower() if codec.lower_case else pattern, codec.alphabet)


def _allow(allowed: str, alphabet: Alphabet) -> Automaton:
    tokens = dict.fromkeys(alphabet.split(allowed))
    if unknown := [token for token in tokens if token not in alphabet.tokens]:
        raise ValueError(f"--allow holds {', '.join(map(repr, unknown))}, which the alphabet lacks: leave them out")
    return allow(alphabet.encode(alphabet.separator.join(tokens)).tolist(), alphabet.classes)


def _ngram(path: str, alphabet: Alphabet, alpha: float, beta: float) -> Automaton:
    """Loads a model; notes on stderr which tokens do not match."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"--ngram={path}: no such file")
    model = load_arpa(path)
    try:
        match = model.match(alphabet)
        automaton = ngram_automaton(model, alphabet, alpha=alpha, beta=beta)
    except ValueError as error:
        raise ValueError(f"--ngram={path}: {error}") from error
    if match.missing:
        lost = f"{len(match.missing):,} of {len(alphabet.tokens):,} tokens of the alphabet, {_some(match.missing)}"
        print(f"note: {path} does not know {lost}: they weigh as unknown", file=sys.stderr)
    if match.foreign:
        print(
            f"note: {path} has {len(match.foreign):,} tokens that the alphabet lacks, {_some(match.foreign)}",
            file=sys.stderr,
        )
    return automaton


def _some(tokens: tuple[str, ...]) -> str:
    return f"such as {', '.join(map(repr, tokens[:SHOWN]))}" if len(tokens) > SHOWN else ", ".join(map(repr, tokens))
