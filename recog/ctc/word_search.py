"""Exact search for the most probable words of a lexicon.

Branch and bound over the prefix tree: the probability of a word is at most that of all texts that begin with one of its
prefixes, which CTC's forward variables give at once for all continuations of a prefix (Graves 2012, section 7.5.1).
Prefixes whose bound is below the best word found so far are dropped. Prefixes are extended many at a time, the best of
the deepest ones first, so that a good word is found soon.

A reader that is sure of its text leaves a few hundred prefixes. They are computed in log space, where nothing
underflows. If many remain, the picture says little about the text, and the rest is computed with scaled probabilities,
in which a prefix costs a tenth; what underflows there is far below the best word found before. Then it also pays to
bound words by their lengths: of the texts that begin with a prefix, only those count that are as long as a word can be.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int

from recog.ctc.prefix_rows import LOWEST, NO_SCORE, UNDERFLOW, Log, Rows, Scaled, Space, entering
from recog.ctc.trie import NO_WORD, Trie

FEW = 32
"""Prefixes that are extended at once in log space."""
STEPS = 24
"""Extensions in log space before the search goes on with scaled probabilities."""
MANY = 2**18
"""Maximum number of scores of prefixes that are extended at once, with scaled probabilities."""
SLACK = 1e-6
"""Difference by which rounding may lower the bound on a score."""


class Found(NamedTuple):
    """A word and its score."""

    score: float
    """Log probability of the word, plus its weight."""
    word: int
    """Index in the lexicon."""


class _Children(NamedTuple):
    """Prefixes that are to be extended from rows, and bounds on the score of their words."""

    bounds: Float64[np.ndarray, " C"]
    nodes: Int[np.ndarray, " C"]
    parents: Int[np.ndarray, " C"]
    """Row of each one's parent."""
    rows: Rows

    def chosen(self, which: np.ndarray) -> "_Children":
        """Some of the children, by index or mask."""
        return _Children(self.bounds[which], self.nodes[which], self.parents[which], self.rows)


class WordSearch:
    """Search in the scores of one picture.

    Args:
      scores: log probabilities, normalised.
      blank_id: id of the blank.
      trie: words.
      weights: log weight of each word.
      nbest: number of words to find.
    """

    def __init__(
        self,
        scores: Float64[np.ndarray, "T K"],
        blank_id: int,
        trie: Trie,
        weights: Float64[np.ndarray, " M"],
        nbest: int,
    ):
        self._trie, self._weights, self._nbest = trie, weights, nbest
        self._scores, self._blank_id = np.maximum(scores, LOWEST), blank_id
        self._space: Space = Log(self._scores, blank_id, trie)
        self._found: list[Found] = []
        self._left: list[_Children] = []

    def run(self) -> list[Found]:
        """Finds the best words, fewer if fewer fit into the frames; of equal ones, the first in the lexicon."""
        root = self._space.root()
        self._push(Rows(np.zeros(1, np.int64), np.full(1, -1), root, root))
        for _ in range(STEPS):
            if not self._left:
                return self._found
            self._extend(FEW)
        most, scaled = FEW, Scaled(self._scores, self._blank_id, self._trie)
        if self._floor > scaled.best_path + UNDERFLOW:
            most, self._space = max(FEW, MANY // max(self._scores.shape)), scaled
            self._left = [children._replace(rows=scaled.converted(children.rows)) for children in self._left]
        while self._left:
            self._extend(most)
        return self._found

    @property
    def _floor(self) -> float:
        """Score that further words must reach."""
        return self._found[-1].score - SLACK if len(self._found) == self._nbest else NO_SCORE

    def _extend(self, most: int) -> None:
        """Extends the best of the prefixes that were found last, and puts what continues them in their place."""
        children = self._left.pop()
        children = children.chosen(children.bounds >= self._floor)
        if len(children.bounds) > most:
            order = np.argsort(-children.bounds, kind="stable")
            self._left.append(children.chosen(order[most:]))
            children = children.chosen(order[:most])
        if not len(children.nodes):
            return
        tokens, rows = self._trie.tokens[children.nodes], children.rows
        total, in_blank = self._space.extended(entering(rows, children.parents, tokens), tokens)
        self._note(children.nodes, self._space.log(total[-1]))
        inner = np.flatnonzero(self._trie.children[children.nodes + 1] > self._trie.children[children.nodes])
        if len(inner):
            self._push(Rows(children.nodes[inner], tokens[inner], total[:, inner], in_blank[:, inner]))

    def _note(self, nodes: Int[np.ndarray, " C"], scores: Float64[np.ndarray, " C"]) -> None:
        """Keeps the best of the words that end at nodes."""
        words = self._trie.words[nodes]
        scores = scores + self._weights[words]
        for index in np.flatnonzero((words != NO_WORD) & (scores >= self._floor)).tolist():
            self._found.append(Found(float(scores[index]), int(words[index])))
        self._found.sort(key=lambda found: (-found.score, found.word))
        del self._found[self._nbest :]

    def _push(self, rows: Rows) -> None:
        """Adds the children of rows that may lead to a better word than those found."""
        first, end = self._trie.children[rows.nodes], self._trie.children[rows.nodes + 1]
        counts = end - first
        parents = np.repeat(np.arange(len(counts)), counts)
        nodes = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - first, counts)
        bounds = self._space.bounds(rows, parents, nodes) + self._trie.best[nodes]
        children = _Children(bounds, nodes, parents, rows).chosen(bounds >= self._floor)
        if len(children.nodes):
            self._left.append(children)
