"""Words that are more likely than the logits say, as an automaton."""

import math
from collections import deque
from collections.abc import Mapping

import numpy as np

from recog.alphabet import Alphabet
from recog.ctc.automaton import LARGEST, NONE, Automaton, AutomatonSizeError

WEIGHT = 5.0
"""Default log weight: a text with the word wins over others that are up to 150 times as probable, which is about one
or two misread characters."""


def hotwords_automaton(weights: Mapping[str, float], alphabet: Alphabet) -> Automaton:
    """Automaton of all texts, each weighted by the sum of the weights of its occurrences of the words.

    Words count wherever they occur, also within others and overlapping. A search must not lose a word before it is
    complete, so each token of it earns its share of the weight at once, and the share is taken back when the word
    breaks off: the sum over a whole text is exact. The states are those of Aho and Corasick (1975).

    Args:
      weights: log weight of each word; negative ones make a word less likely.
      alphabet: alphabet of the logits.

    Raises:
      ValueError: no words, an empty word, a weight that is not finite, or tokens that the alphabet lacks.
      AutomatonSizeError: the words have too many tokens.
    """
    coded = _encode(weights, alphabet)
    if sum(len(ids) for ids in coded) * alphabet.classes > LARGEST:
        raise AutomatonSizeError(
            f"{len(coded):,} hotwords have too many tokens for {alphabet.classes:,} classes: cut some"
        )
    children: list[dict[int, int]] = [{}]
    earned, share = [0.0], [0.0]
    for ids, weight in coded.items():
        node = 0
        for place, token in enumerate(ids, 1):
            if token not in children[node]:
                children[node][token] = len(children)
                children.append({})
                earned.append(0.0)
                share.append(0.0)
            node = children[node][token]
            if place < len(ids):
                share[node] = max(share[node], weight * place / len(ids))
        earned[node] += weight
    return _linked(children, np.array(earned), np.array(share), alphabet)


def _encode(weights: Mapping[str, float], alphabet: Alphabet) -> dict[tuple[int, ...], float]:
    if not weights:
        raise ValueError("no hotwords: name one or more")
    if unknown := sorted({token for word in weights for token in alphabet.split(word)} - set(alphabet.tokens)):
        raise ValueError(f"hotwords hold {', '.join(map(repr, unknown))}, which the alphabet lacks: leave them out")
    for word, weight in weights.items():
        if not word or not math.isfinite(weight):
            raise ValueError(f"hotword {word!r} of weight {weight}: give one or more tokens and a finite weight")
    return {tuple(alphabet.encode(word).tolist()): weight for word, weight in weights.items()}


def _linked(children: list[dict[int, int]], earned: np.ndarray, share: np.ndarray, alphabet: Alphabet) -> Automaton:
    """Automaton of a trie, with what its nodes earn when a word ends and the share of unfinished words."""
    following = np.zeros((len(children), alphabet.classes), np.int32)
    suffixes, waiting = np.zeros(len(children), np.int64), deque([0])
    while waiting:  # breadth first, so that the rows of suffixes are complete
        node = waiting.popleft()
        suffix = suffixes[node]
        earned[node] += earned[suffix] if node else 0.0
        share[node] = max(share[node], share[suffix])
        following[node] = following[suffix]
        for token, child in children[node].items():
            suffixes[child] = following[suffix, token] if node else 0
            following[node, token] = child
            waiting.append(child)
    weights = earned[following] + share[following] - share[:, None]
    following[:, alphabet.blank_id] = NONE
    weights[:, alphabet.blank_id] = 0
    return Automaton(following, weights.astype(np.float32), -share.astype(np.float32))
