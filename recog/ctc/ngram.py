"""N-gram language models over tokens, with back-off (Katz 1987), as ARPA files hold them."""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int, Int32, Int64

from recog.alphabet import Alphabet

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
"""Tokens before and after each text, and for all tokens that a model does not know."""
NEVER = -99.0
"""Log10 probability of events without probability, as SRILM writes it; finite, so that sums are numbers."""
SPACES = ("▁", "|")
"""Tokens for the space in models that lack it, as SentencePiece and wav2vec 2.0 write it."""


class Grams(NamedTuple):
    """N-grams of one order, sorted by context and token; ``N`` of them."""

    contexts: Int32[np.ndarray, " N"]
    """Rows of all tokens but the last, among the n-grams of the order below; 0 in the first order."""
    tokens: Int32[np.ndarray, " N"]
    """Last tokens."""
    log10: Float64[np.ndarray, " N"]
    """Log10 probabilities of the last token after the others."""
    backoffs: Float64[np.ndarray, " N"]
    """Log10 factors for tokens that do not follow the n-gram in the order above; 0 where none is stored."""

    def find(self, contexts: Int[np.ndarray, " M"], tokens: Int[np.ndarray, " M"]) -> Int64[np.ndarray, " M"]:
        """Rows of these n-grams; -1 for those that are missing. A context of -1 is missing everywhere."""
        keys, wanted = pair_keys(self.contexts, self.tokens), pair_keys(contexts, tokens)
        if not len(keys):
            return np.full(len(wanted), -1)
        rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[rows] == wanted, rows, -1)


class Match(NamedTuple):
    """Tokens of a model for those of an alphabet."""

    token_ids: Int32[np.ndarray, " K"]
    """Id in the model of each class, `UNKNOWN` for tokens that it lacks; -1 for the blank."""
    missing: tuple[str, ...]
    """Tokens of the alphabet that the model lacks."""
    foreign: tuple[str, ...]
    """Tokens of the model that the alphabet lacks, which have no effect."""


@dataclasses.dataclass(frozen=True, eq=False)
class NgramModel:
    """An n-gram model.

    Example:
      >>> model = train([list("abab"), list("abba")], order=3)
      >>> model.score("ab") > model.score("bb")
      True

    The row of a token in the first order is its id. Every order has n-grams, and every context is one
    of the order below.
    """

    tokens: tuple[str, ...]
    """All tokens: `UNKNOWN`, those of texts, and `BEGIN` and `END` if the model has them."""
    grams: tuple[Grams, ...]
    """N-grams by order, from single tokens on."""

    def __post_init__(self) -> None:
        if UNKNOWN not in self.tokens:
            raise ValueError(f"the model lacks {UNKNOWN}: add it to the tokens")

    @property
    def order(self) -> int:
        """Number of tokens of the longest n-grams."""
        return len(self.grams)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of n-grams of each order."""
        return tuple(len(grams.tokens) for grams in self.grams)

    @functools.cached_property
    def ids(self) -> dict[str, int]:
        """Ids of the tokens."""
        return {token: number for number, token in enumerate(self.tokens)}

    def score(self, text: Sequence[str], *, begin: bool = True, end: bool = True) -> float:
        """Log10 probability of one text; see `scores`."""
        return float(self.scores([text], begin=begin, end=end)[0])

    def scores(
        self, texts: Iterable[Sequence[str]], *, begin: bool = True, end: bool = True
    ) -> Float64[np.ndarray, " B"]:
        """Log10 probabilities of texts, which are those that KenLM gives.

        Args:
          texts: tokens of each text; those that the model does not know count as `UNKNOWN`.
          begin: whether the texts begin where labels begin, and not anywhere within.
          end: whether the end of the text counts as well.
        """
        unknown, known = self.ids[UNKNOWN], self.ids.get
        before = [self.ids[BEGIN]] if begin and BEGIN in self.ids else []
        after = [self.ids[END]] if end and END in self.ids else []
        coded = [[*before, *(known(token, unknown) for token in text), *after] for text in texts]
        lengths = np.array([len(text) for text in coded], np.int64)
        if not lengths.sum():
            return np.zeros(len(coded))
        tokens = np.concatenate([np.array(text, np.int64) for text in coded])
        text_of = np.repeat(np.arange(len(coded)), lengths)
        is_first = np.concatenate([[True], text_of[1:] != text_of[:-1]])
        values = self._conditional(tokens, is_first)
        values[is_first & bool(before)] = 0.0
        return np.bincount(text_of, values, minlength=len(coded))

    def _conditional(
        self, tokens: Int[np.ndarray, " N"], is_first: Bool[np.ndarray, " N"]
    ) -> Float64[np.ndarray, " N"]:
        """Log10 probability of each token after those before it, back to the first of its text."""
        rows, values = tokens, self.grams[0].log10[tokens]
        for shorter, grams in zip(self.grams, self.grams[1:], strict=False):
            contexts = np.where(is_first, -1, np.roll(rows, 1))
            rows = grams.find(contexts, tokens)
            backed_off = values + np.where(contexts >= 0, shorter.backoffs[contexts], 0.0)
            values = np.where(rows >= 0, grams.log10[rows], backed_off)
        return values

    def perplexity(self, texts: Iterable[Sequence[str]]) -> float:
        """Perplexity of a token, ends of texts included: the number of equally likely tokens to choose from.

        Raises:
          ValueError: there are no texts.
        """
        texts = list(texts)
        events = sum(len(text) + (END in self.ids) for text in texts)
        if not events:
            raise ValueError("no texts to measure the perplexity of")
        return float(10 ** (-self.scores(texts).sum() / events))

    def spelt(self, order: int) -> Iterator[tuple[str, ...]]:
        """Tokens of all n-grams of an order, in order."""
        rows, columns = np.arange(self.counts[order - 1]), []
        for grams in reversed(self.grams[:order]):
            columns.append([self.tokens[token] for token in grams.tokens[rows].tolist()])
            rows = grams.contexts[rows]
        return zip(*reversed(columns), strict=True)

    def match(self, alphabet: Alphabet) -> Match:
        """Matches the tokens with those of an alphabet.

        Raises:
          ValueError: the alphabet lacks most of the tokens by their probability, as if the model were one of words.
        """
        texts = {token: number for token, number in self.ids.items() if token not in (BEGIN, END, UNKNOWN)}
        if " " not in texts:
            mark = next((mark for mark in SPACES if mark in texts and mark not in alphabet.tokens), None)
            texts |= {" ": texts.pop(mark)} if mark else {}
        first = 1 if alphabet.blank == "first" else 0
        token_ids = np.full(alphabet.classes, -1, np.int32)
        token_ids[first : first + len(alphabet.tokens)] = [texts.get(t, self.ids[UNKNOWN]) for t in alphabet.tokens]
        foreign = tuple(token for token in texts if token not in set(alphabet.tokens))
        share = 10 ** self.grams[0].log10
        lost = share[[texts[token] for token in foreign]].sum() if foreign else 0.0
        if lost > 0.5 * share[list(texts.values())].sum():
            raise ValueError(
                f"the alphabet lacks {len(foreign):,} of the model's {len(texts):,} tokens, such as "
                f"{', '.join(map(repr, foreign[:3]))}, which make up most of its texts: train it on labels of this "
                "alphabet, token by token, not on words"
            )
        return Match(token_ids, tuple(token for token in alphabet.tokens if token not in texts), foreign)


def pair_keys(contexts: Int[np.ndarray, " N"], tokens: Int[np.ndarray, " N"]) -> Int64[np.ndarray, " N"]:
    """Numbers that sort pairs by context and token."""
    return (np.asarray(contexts, np.int64) << 32) | np.asarray(tokens, np.int64)
