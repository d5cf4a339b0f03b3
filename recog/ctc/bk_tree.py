"""Words within an edit distance of a text (Burkhard and Keller 1973)."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32, Int64
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein


class BKTree:
    """A metric tree: the words below a child are all at one distance from its parent's word.

    By the triangle inequality, words within ``delta`` of a text at distance ``d`` from a node's word are below children
    whose distances to it are ``d - delta`` to ``d + delta``.

    Args:
      words: sequences of token ids, at least one, all different.
    """

    def __init__(self, words: Sequence[Sequence[int]]):
        self._spelled = [_spell(word) for word in words]
        order, edges, children = [], [], [1]
        queue = deque([(0, np.arange(len(words)))])
        while queue:
            edge, group = queue.popleft()
            order.append(group[0])
            edges.append(edge)
            distances = self._distances(self._spelled[group[0]], group[1:])
            for distance in np.unique(distances).tolist():
                queue.append((distance, group[1:][distances == distance]))
            children.append(len(order) + len(queue))
        self._words: Int64[np.ndarray, " N"] = np.array(order)
        self._edges = np.array(edges, np.int32)
        self._children = np.array(children)

    def within(self, tokens: Sequence[int], delta: int) -> Int64[np.ndarray, " M"]:
        """Indices, in order, of the words within this Levenshtein distance of a text."""
        text, found = _spell(tokens), []
        nodes = np.zeros(1, np.int64)
        while len(nodes):
            distances = self._distances(text, self._words[nodes])
            found.append(self._words[nodes[distances <= delta]])
            first, counts = self._children[nodes], self._children[nodes + 1] - self._children[nodes]
            parents = np.repeat(np.arange(len(nodes)), counts)
            nodes = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - first, counts)
            nodes = nodes[np.abs(self._edges[nodes] - distances[parents]) <= delta]
        return np.sort(np.concatenate(found))

    def _distances(self, text: str, words: Int64[np.ndarray, " M"]) -> Int32[np.ndarray, " M"]:
        if not len(words):
            return np.zeros(0, np.int32)
        spelled = [self._spelled[word] for word in words.tolist()]
        return process.cdist([text], spelled, scorer=Levenshtein.distance, dtype=np.int32)[0]


def _spell(tokens: Sequence[int]) -> str:
    """Token ids as characters, which the library compares fastest."""
    return "".join(map(chr, tokens))
