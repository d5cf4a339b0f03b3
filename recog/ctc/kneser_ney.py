"""Training of n-gram models: interpolated modified Kneser-Ney smoothing.

After S. F. Chen and J. Goodman, An empirical study of smoothing techniques for language modeling, TR-10-98, Harvard
1998, section 3; in all choices that they leave open as ``lmplz`` of KenLM (Heafield et al. 2013) does: n-grams that
begin with `BEGIN` keep their own counts in lower orders, single tokens are interpolated with the uniform distribution
over all tokens, `UNKNOWN` and `END` included, and nothing is pruned.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64

from recog.ctc.ngram import BEGIN, END, NEVER, UNKNOWN, Grams, NgramModel, pair_keys

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts of n-grams that occur once, twice, and more often, where counts of counts are too small to estimate them:
``lmplz --discount_fallback``. Single characters need it nearly always, because few of them are rare."""
_SPECIAL = (UNKNOWN, BEGIN, END)


def train(texts: Iterable[Sequence[str]], order: int = 5) -> NgramModel:
    """Trains a model.

    Args:
      texts: tokens of each text; a string means its characters.
      order: number of tokens of the longest n-grams; less if no text with its ends is so long.

    Raises:
      ValueError: no texts, a text holds `BEGIN`, `END` or `UNKNOWN`, or an order below 1.
    """
    if order < 1:
        raise ValueError(f"order={order}: choose 1 or more")
    tokens, stream, starts = _encode(texts)
    counted, backoffs = _count(stream, starts, order), []
    grams: list[Grams] = [_single(counted[0], len(tokens))]
    for shorter, count in itertools.pairwise(counted):
        kept, rest = _discounted(count.adjusted, count.contexts, len(shorter.adjusted))
        values = kept + rest[count.contexts] * 10 ** grams[-1].log10[count.suffixes]
        backoffs.append(np.log10(rest, out=np.zeros(len(rest)), where=rest > 0))
        grams.append(Grams(count.contexts, count.tokens, np.log10(values), np.zeros(len(values))))
    backoffs.append(grams[-1].backoffs)
    return NgramModel(tokens, tuple(g._replace(backoffs=b) for g, b in zip(grams, backoffs, strict=True)))


def _encode(texts: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], Int64[np.ndarray, " N"], Int64[np.ndarray, " N"]]:
    """Tokens, the ids of all texts one after another, and the position at which each one's text begins."""
    ids = {token: number for number, token in enumerate(_SPECIAL)}
    begin, end = ids[BEGIN], ids[END]
    stream, lengths = [], []
    for text in texts:
        if special := [token for token in text if token in _SPECIAL]:
            raise ValueError(f"text {text!r} holds {special[0]}, which models use themselves: leave it out")
        stream += [begin, *(ids.setdefault(token, len(ids)) for token in text), end]
        lengths.append(len(text) + 2)
    if not lengths:
        raise ValueError("no texts to train on")
    begins = np.cumsum(lengths) - lengths
    return tuple(ids), np.array(stream, np.int64), np.repeat(begins, lengths)


class _Count(NamedTuple):
    """N-grams of one order, sorted by context and token."""

    contexts: Int32[np.ndarray, " N"]
    """Rows of all tokens but the last, among the n-grams of the order below."""
    tokens: Int32[np.ndarray, " N"]
    """Last tokens."""
    adjusted: Int64[np.ndarray, " N"]
    """Number of occurrences, or of different tokens before them."""
    suffixes: Int64[np.ndarray, " N"]
    """Rows of all tokens but the first, among the n-grams of the order below."""


def _count(stream: Int64[np.ndarray, " N"], starts: Int64[np.ndarray, " N"], order: int) -> list[_Count]:
    """Counts n-grams up to an order; in lower ones, those of `BEGIN` as they are, others by the tokens before them."""
    places, rows = np.arange(len(stream)), stream
    vocabulary = np.arange(stream.max() + 1, dtype=np.int32)
    none = np.zeros(len(vocabulary), np.int64)
    found = [_Count(none.astype(np.int32), vocabulary, np.bincount(stream), none)]
    for length in range(2, order + 1):
        inside = np.flatnonzero(places - starts >= length - 1)
        if not len(inside):
            break
        keys = pair_keys(rows[inside - 1], stream[inside])
        unique, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        suffixes = rows[inside[first]]
        below = found[-1].adjusted
        preceded = np.bincount(suffixes, minlength=len(below))
        found[-1] = found[-1]._replace(adjusted=np.where(preceded > 0, preceded, below))
        contexts, tokens = (unique >> 32).astype(np.int32), (unique & 0xFFFFFFFF).astype(np.int32)
        found.append(_Count(contexts, tokens, counts, suffixes))
        rows = np.zeros(len(stream), np.int64)
        rows[inside] = inverse
    return found


def _single(count: _Count, size: int) -> Grams:
    """First order: all tokens, mixed with the uniform distribution over those that may follow others."""
    adjusted = count.adjusted.copy()
    begin = _SPECIAL.index(BEGIN)
    adjusted[begin] = 0
    kept, rest = _discounted(adjusted, count.contexts, 1)
    log10 = np.log10(kept + rest[0] / (size - 1))
    log10[begin] = NEVER
    return Grams(count.contexts, count.tokens, log10, np.zeros(size))


def _discounted(
    counts: Int64[np.ndarray, " N"], contexts: Int64[np.ndarray, " N"], above: int
) -> tuple[Float64[np.ndarray, " N"], Float64[np.ndarray, " M"]]:
    """Relative counts less their discounts, and the mass that each context has left for the order below."""
    taken = np.array([0.0, *_discounts(counts)])[np.minimum(counts, 3)]
    totals = np.bincount(contexts, counts, minlength=above)
    rest = np.divide(np.bincount(contexts, taken, minlength=above), totals, out=np.zeros(above), where=totals > 0)
    return (counts - taken) / totals[contexts], rest


def _discounts(counts: Int64[np.ndarray, " N"]) -> tuple[float, float, float]:
    """Discounts of n-grams that occur once, twice, and more often (Chen and Goodman, equation 26)."""
    once, twice, thrice, four = (int((counts == number).sum()) for number in (1, 2, 3, 4))
    if not (once and twice and thrice):
        return FALLBACK
    share = once / (once + 2 * twice)
    found = 1 - 2 * share * twice / once, 2 - 3 * share * thrice / twice, 3 - 4 * share * four / thrice
    inside = all(0 < discount <= number for number, discount in enumerate(found, 1))
    return found if inside else FALLBACK
