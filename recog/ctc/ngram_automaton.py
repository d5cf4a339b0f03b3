"""N-gram models as automata, whose states are contexts with back-off resolved."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32

from recog.alphabet import Alphabet
from recog.ctc.automaton import LARGEST, NONE, Automaton, AutomatonSizeError
from recog.ctc.ngram import BEGIN, END, NgramModel

ALPHA, BETA = 0.5, 1.5
"""Default weight of the model and log weight of each token, as in pyctcdecode, whose beta is a word's.

Models of characters have a perplexity near 6, half of whose logarithm is -0.9 a token, and readers miss characters more
often than they invent some: of 0 to 1.5, the largest was the best on real receipts and nearly so on noisy words.
"""


def ngram_automaton(model: NgramModel, alphabet: Alphabet, *, alpha: float = ALPHA, beta: float = BETA) -> Automaton:
    """Automaton of all texts, each weighted by ``alpha ln p(text) + beta len(text)``.

    States are the contexts that change what follows: `BEGIN` first, if the model has it. Tokens that the model does not
    know weigh as `UNKNOWN`.

    Args:
      model: model of tokens of the alphabet; see `NgramModel.match`.
      alphabet: alphabet of the logits.
      alpha: weight of the model: 0 ignores it, 1 multiplies the probabilities.
      beta: log weight of each token, which makes up for what the model takes from longer texts; pyctcdecode's is a
        word's.

    Raises:
      ValueError: alpha or beta are out of range, or the alphabet lacks most of the model's tokens.
      AutomatonSizeError: the model has too many contexts.
    """
    if not (0 <= alpha < math.inf and math.isfinite(beta)):
        raise ValueError(f"alpha={alpha} and beta={beta}: choose finite numbers, alpha 0 or more")
    token_ids = model.match(alphabet).token_ids
    numbers = _number_states(model, token_ids)
    states, classes = 1 + max(int(level.max(initial=0)) for level in numbers), alphabet.classes
    if states * classes > LARGEST:
        raise AutomatonSizeError(
            f"the n-gram model has {states:,} contexts of {classes:,} classes, more than {LARGEST:,} together: train "
            f"one of a smaller order than {model.order}, or prune it"
        )
    automaton = _Builder(model, token_ids, numbers, states).build()
    scale = alpha * math.log(10)
    automaton.weights[:] = automaton.weights * scale + beta
    automaton.weights[:, alphabet.blank_id] = 0
    return automaton._replace(final=automaton.final * np.float32(scale))


def _number_states(model: NgramModel, token_ids: Int32[np.ndarray, " K"]) -> list[Int32[np.ndarray, " N"]]:
    """State of each n-gram by order, from 0 tokens up to one less than the model's; `NONE` for those that are none.

    N-grams of the alphabet's tokens are states if something follows them or their back-off is not 0.
    """
    usable = np.isin(np.arange(len(model.tokens)), token_ids)
    begin = model.ids.get(BEGIN)
    inside = np.ones(1, bool)
    states = [np.ones(1, bool)]
    for order, (grams, above) in enumerate(zip(model.grams, model.grams[1:], strict=False), 1):
        inside = inside[grams.contexts] & usable[grams.tokens]
        if order == 1 and begin is not None:
            inside[begin] = True
        followed = np.zeros(len(grams.tokens), bool)
        followed[above.contexts] = True
        states.append(inside & (followed | (grams.backoffs != 0)))
    return _numbered(states, begin)


def _numbered(states: list[Bool[np.ndarray, " N"]], begin: int | None) -> list[Int32[np.ndarray, " N"]]:
    """Numbers of the states: those by order, but `BEGIN` first."""
    flat = np.concatenate(states)
    numbers = np.where(flat, np.cumsum(flat) - 1, NONE).astype(np.int32)
    if begin is not None and len(states) > 1 and states[1][begin]:
        own = numbers[1 + begin]
        numbers[flat & (numbers < own)] += 1
        numbers[1 + begin] = 0
    return np.split(numbers, np.cumsum([len(level) for level in states])[:-1])


class _Classes(NamedTuple):
    """Classes by token of the model; `UNKNOWN` may have several."""

    sorted: Int32[np.ndarray, " K"]
    """Classes in the order of their tokens."""
    starts: Int32[np.ndarray, " N"]
    """Place in `sorted` of the first class of each token."""
    counts: Int32[np.ndarray, " N"]

    @property
    def first(self) -> Int32[np.ndarray, " N"]:
        """A class of each token; any for a token without one."""
        return self.sorted[np.minimum(self.starts, len(self.sorted) - 1)]

    def of(self, tokens: Int[np.ndarray, " M"]) -> tuple[np.ndarray, np.ndarray]:
        """Places in ``tokens``, each as often as its token has classes, and those classes."""
        counts = self.counts[tokens]
        places = np.repeat(np.arange(len(tokens)), counts)
        within = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
        return places, self.sorted[self.starts[tokens[places]] + within]


def _by_token(token_ids: Int32[np.ndarray, " K"], tokens: int) -> _Classes:
    """Classes of each token."""
    ordered = np.argsort(token_ids, kind="stable")
    ordered = ordered[token_ids[ordered] >= 0]
    counts = np.bincount(token_ids[ordered], minlength=tokens)
    return _Classes(ordered, np.cumsum(counts) - counts, counts)


class _Builder:
    """Builder of the rows of all states, order by order.

    A state's row is that of its longest proper suffix that is a state, less the back-off, but for the n-grams that the
    model holds: the transitions of Aho and Corasick (1975).
    """

    def __init__(self, model: NgramModel, token_ids: Int32[np.ndarray, " K"], numbers: list[np.ndarray], states: int):
        self._model, self._numbers = model, numbers
        self._end = model.ids.get(END)
        self._classes = _by_token(token_ids, len(model.tokens))
        self._blank = int(np.flatnonzero(token_ids < 0)[0])
        self._following = np.zeros((states, len(token_ids)), np.int32)
        self._weights = np.zeros((states, len(token_ids)), np.float32)
        self._final = np.zeros(states, np.float32)

    def build(self) -> Automaton:
        """Log10 weights."""
        (root,) = self._numbers[0]
        self._following[root] = root
        self._extend(0)
        shorter = np.full(self._model.counts[0], root, np.int32)  # longest proper suffix of each n-gram
        for order in range(1, len(self._numbers)):
            grams, numbers = self._model.grams[order - 1], self._numbers[order]
            if order > 1:
                classes = self._classes.first[grams.tokens]
                shorter = self._following[shorter[grams.contexts], classes]
            rows = np.flatnonzero(numbers >= 0)
            own, suffixes, backoffs = numbers[rows], shorter[rows], grams.backoffs[rows].astype(np.float32)
            self._following[own] = self._following[suffixes]
            self._weights[own] = self._weights[suffixes] + backoffs[:, None]
            if self._end is not None:
                self._final[own] = self._final[suffixes] + backoffs
            self._extend(order)
        self._following[:, self._blank] = NONE
        return Automaton(self._following, self._weights, self._final)

    def _extend(self, order: int) -> None:
        """Writes the n-grams that continue the contexts of an order."""
        grams = self._model.grams[order]
        state = self._numbers[order][grams.contexts]
        ends = (state >= 0) & (grams.tokens == self._end)
        self._final[state[ends]] = grams.log10[ends]
        rows = np.flatnonzero(state >= 0)
        gram, classes = self._classes.of(grams.tokens[rows])
        rows = rows[gram]
        self._weights[state[rows], classes] = grams.log10[rows]
        if order + 1 < len(self._numbers):
            target = self._numbers[order + 1][rows]
            reached = target >= 0
            self._following[state[rows[reached]], classes[reached]] = target[reached]
